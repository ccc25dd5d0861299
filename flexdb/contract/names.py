"""The fields of names that people type: slugs and e-mail addresses, each kept in one form.

What was stored before there was such a rule stays. So a change may name what is there, whatever
that is, and only what it brings anew keeps to the rule.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple

import idna
import orjson
from marshmallow import ValidationError

from flexdb.contract.fields import Text, is_uuid, require

EMAIL_LENGTH, LOCAL_LENGTH, LABEL_LENGTH = 254, 64, 63
# RFC 5321, section 4.1.2; RFC 6531, section 3.3, lets in what is not ASCII. A quote is written by
# its number, since generators of clients put the pattern between quotes.
_ATOM = r"[^\x00-\x20\x22(),.:;<>@\[\\\]\x7f-\xa0]+"
_DOT_STRING = rf"{_ATOM}(\.{_ATOM})*"
_QUOTED = r"\x22([^\x00-\x1f\x22\\\x7f-\xa0]|\\[\x20-\x7e])*\x22"
_EDGE = r"[^\x00-\x2f:-@\[-`{-\xa0]"
_LABEL = rf"{_EDGE}([^\x00-\x2c./:-@\[-`{{-\xa0]*{_EDGE})?"
_MAILBOX = rf"({_DOT_STRING}|{_QUOTED})@({_LABEL}(\.{_LABEL})*|\[[A-Za-z0-9:.]+\])"
_IS_DOT_STRING, _IS_MAILBOX = map(re.compile, (_DOT_STRING, _MAILBOX))
# Controls, formats, surrogates, private ones, and separators of lines, paragraphs and words.
_UNSEEN_KINDS = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"))
# What Unicode ignores by default beside those, the blank of braille, and what is no character.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0f"
    "\uffa0\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]")


class Wanted(NamedTuple):
    """What a change asks a name to be.

    :param given: as it came, which may be what is there
    :param kept: in the form that is stored; None where it may not be brought anew
    :param wrong: why not
    """

    given: str
    kept: str | None
    wrong: str = ""


class UniqueName(Text):
    """A name that has one form.

    :param held: whether it may also be what is stored already; it is loaded as ``Wanted`` then
    """

    def __init__(self, description: str, held: bool = False, **options: Any) -> None:
        super().__init__(description, **options)
        self.held = held

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not self.held:
            return self._kept(super()._deserialize(value, attr, data, **kwargs))
        require(str, "a string", value)
        if "\0" in value:
            raise ValidationError("may not contain the character U+0000")
        try:
            text = super()._deserialize(value, attr, data, **kwargs)
            return Wanted(value, self._kept(text))
        except ValidationError as error:
            return Wanted(value, None, str(error.messages[0]))

    def _kept(self, text: str) -> str:
        """Return the form in which a name is stored.

        :raises marshmallow.ValidationError: saying why it is no such name
        """
        kept = self._form_of(text)
        if len(kept) > self.length:
            raise ValidationError(f"may have at most {self.length} characters in Unicode's normal "
                                  f"form, not {len(kept)}")
        return kept

    def _form_of(self, text: str) -> str:
        raise NotImplementedError


class Slug(UniqueName):
    """A short name for people and URLs, in Unicode's normal form C, of what is seen alone."""

    def _form_of(self, text: str) -> str:
        if text != text.strip():
            raise ValidationError("may not begin or end with white space")
        if (unseen := _first_unseen(text)) is not None:
            raise ValidationError(f"may not contain the character U+{ord(unseen):04X}, which is "
                                  "not seen")
        if is_uuid(text):
            raise ValidationError("may not look like an id")
        return unicodedata.normalize("NFC", text)

    def _pattern(self) -> str:
        end = r"[^\s\x00-\x20\x7f-\xa0]"
        return rf"{end}([^\x00-\x1f\x7f-\xa0]*{end})?"


class Email(UniqueName):
    """An e-mail address of at most 254 characters (RFC 5321, section 4.5.3.1.3).

    Its domain is kept in lower case and in Unicode (RFC 5891), and its local part as it is written,
    quoted only where it must be. Whether there is such a domain is not asked.
    """

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, length=EMAIL_LENGTH, **options)

    def _form_of(self, text: str) -> str:
        if not _IS_MAILBOX.fullmatch(text) or _first_unseen(text) is not None:
            raise ValidationError("must be an e-mail address: name@domain (RFC 5321)")
        local, _, domain = text.rpartition("@")
        kept = f"{_local(local)}@{_domain(domain)}"
        if len(_in_ascii(kept)) > self.length:
            raise ValidationError(f"may have at most {self.length} characters with its domain in "
                                  "ASCII")
        return kept

    def _pattern(self) -> str:
        return _MAILBOX


def new_slug(slug: str) -> dict[str, Any]:
    """Return the arguments that say of a slug what it is and which others look the same."""
    return {"slug": slug, "slug_key": slug_key(slug), "slug_spellings": _spellings(
        slug, slug.lower(), slug.upper(), slug.title(), slug.capitalize())}


def new_email(email: str) -> dict[str, Any]:
    """Return the arguments that say of an address what it is and how it may be written too."""
    local, _, domain = email.rpartition("@")
    quoted = local if local.startswith('"') else f'"{local}"'
    others = (domain, domain.upper(), _in_ascii(f"@{domain}")[1:])
    return {"email": email, "email_spellings": _spellings(*(
        f"{name}@{other}" for name in (local, quoted) for other in others))}


def slug_change(wanted: Wanted | None) -> dict[str, Any]:
    """Return the arguments of a statement that may change a slug."""
    new = {"slug": None, "slug_key": None, "slug_spellings": b"[]"} if (
        wanted is None or wanted.kept is None) else new_slug(wanted.kept)
    return new | {"slug_given": wanted and wanted.given, "wrong": wanted.wrong if wanted else ""}


def email_change(wanted: Wanted | None) -> dict[str, Any]:
    """Return the arguments of a statement that may change an e-mail address."""
    new = {"email": None, "email_spellings": b"[]"} if (
        wanted is None or wanted.kept is None) else new_email(wanted.kept)
    return new | {"email_given": wanted and wanted.given, "wrong": wanted.wrong if wanted else ""}


def slug_key(slug: str) -> str:
    """Return what two slugs have in common that differ in case, in width or in their spaces alone.

    In ASCII, so that a database of any encoding has it, and short enough for an index.
    """
    folded = unicodedata.normalize("NFKC", slug).casefold()
    words = " ".join(unicodedata.normalize("NFKC", folded).split())
    return sha256(words.encode()).hexdigest()


def _spellings(*texts: str) -> bytes:
    """Return texts as a JSON array, without those that go beyond the letters of the first.

    The database's encoding may have none for them, and then no row has them either.
    """
    most = max(*texts[0], "\xff")
    return orjson.dumps([text for text in dict.fromkeys(texts) if max(text) <= most])


def _first_unseen(text: str) -> str | None:
    """Return the first character that is not seen, other than a space, or None."""
    if text.isascii() and text.isprintable():
        return None
    return next((one for one in text if one != " " and (
        unicodedata.category(one) in _UNSEEN_KINDS or _UNSEEN.match(one))), None)


def _local(text: str) -> str:
    """Return the part before the @ in its one form.

    :raises marshmallow.ValidationError: when it is too long
    """
    text = unicodedata.normalize("NFC", text)
    if text.startswith('"'):
        meant = re.sub(r"\\(.)", r"\1", text[1:-1])
        text = meant if _IS_DOT_STRING.fullmatch(meant) else '"{}"'.format(
            re.sub(r'(["\\])', r"\\\1", meant))
    if len(text.encode()) > LOCAL_LENGTH:
        raise ValidationError(f"may have at most {LOCAL_LENGTH} bytes before its @ "
                              "(RFC 5321, section 4.5.3.1.1)")
    return text


def _domain(text: str) -> str:
    """Return a domain, or an IP address in brackets, in its one form.

    :raises marshmallow.ValidationError: when it can be none
    """
    if text.startswith("["):
        literal = text[1:-1]
        try:
            return (f"[IPv6:{IPv6Address(literal[5:])}]" if literal[:5].lower() == "ipv6:" else
                    f"[{IPv4Address(literal)}]")
        except ValueError:
            raise ValidationError("must have an IP address in its brackets, such as "
                                  "name@[192.0.2.1] or name@[IPv6:2001:db8::1]") from None
    domain = text.lower()
    if not domain.isascii() or "xn--" in domain:
        try:
            domain = idna.decode(idna.encode(domain, uts46=True, std3_rules=True))
        except (idna.IDNAError, UnicodeError):
            raise ValidationError("must be an e-mail address whose domain may have a name in "
                                  "every language (RFC 5891)") from None
    labels = domain.split(".")
    if not labels[-1]:
        raise ValidationError("must be an e-mail address whose domain ends without a dot")
    if any(len(label) > LABEL_LENGTH for label in labels):
        raise ValidationError(f"may have at most {LABEL_LENGTH} characters between the dots of "
                              "its domain (RFC 1035, section 2.3.4)")
    if labels[-1].isdigit():
        raise ValidationError("must have an IP address in brackets, such as name@[192.0.2.1]")
    return domain


def _in_ascii(email: str) -> str:
    """Return an address that is kept, with its domain as it is in ASCII."""
    local, _, domain = email.rpartition("@")
    if domain.isascii():
        return email
    return f"{local}@{idna.encode(domain).decode()}"
