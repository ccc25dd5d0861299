"""The editor of a JSON Schema: as rows of a form or as text, which say the same."""

from flexdb.web.console.schemas.drafts import Draft as Draft
