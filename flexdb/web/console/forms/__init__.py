"""Forms of JSON Schemas, in which every digit survives: of records, and of what calls are given."""

from flexdb.web.console.forms.actions import act as act
from flexdb.web.console.forms.actions import is_action as is_action
from flexdb.web.console.forms.fields import MOST_BYTES as MOST_BYTES
from flexdb.web.console.forms.fields import widgets as widgets
from flexdb.web.console.forms.fresh import begin as begin
from flexdb.web.console.forms.reading import Posted as Posted
from flexdb.web.console.forms.reading import posted as posted
from flexdb.web.console.forms.reading import read_text as read_text
from flexdb.web.console.forms.shapes import ordered as ordered
from flexdb.web.console.forms.shapes import shape as shape
from flexdb.web.console.forms.values import ABSENT as ABSENT
from flexdb.web.console.forms.widget import Widget as Widget
