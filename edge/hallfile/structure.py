"""Plain values -> typed settings, and every fault on the way with its path.

cattrs does the typing and gathers all faults in a tree of exception groups; here the tree is walked and each leaf
becomes a sentence. Nothing is coerced: text is never read as a number, a number never as text, true never as 1.
"""

import math
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache, partial
from pathlib import PurePath
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints, is_typeddict
from zoneinfo import ZoneInfo, available_timezones

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn
from cattrs.gen.typeddicts import make_dict_structure_fn as make_typeddict_structure_fn

from edge.hall.site import Hours, Unfit
from edge.hallfile import sentences
from edge.hallfile.document import Document, Fault, Path

T = TypeVar("T")


@attrs.frozen
class Structured(Generic[T]):
    """A section as far as it can be understood.

    ``value``   the settings; None if anything is wrong with them.
    ``known``   an object of the same class that has only the fields that are right: reading another raises
                AttributeError. What can be concluded from it holds whatever the faults are.
    """

    value: T | None
    known: Any
    faults: list[Fault]


def structure(kind: type[T], data: Any, document: Document, path: Path) -> Structured[T]:
    """``data``, which stands at ``path``, as a ``kind`` of attrs class."""
    try:
        value = _converter().structure(data, kind)
    except ClassValidationError as group:
        known, _ = _understood(kind, _wrong_fields(group), data or {})
        return Structured(None, known, list(_faults(group, data, document, path)))
    except TypeError as error:
        return Structured(None, object(), list(_leaf(error, kind, data, document, path)))
    return Structured(value, value, [])


# --- strict typing -----------------------------------------------------------------------------------------------


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True, forbid_extra_keys=True)
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Hours, _hours)
    converter.register_structure_hook(ZoneInfo, _zone)
    converter.register_structure_hook_factory(_is_path, lambda kind: _path)
    converter.register_structure_hook_factory(attrs.has, partial(_class_hook, converter))
    converter.register_structure_hook_factory(is_typeddict, partial(_typeddict_hook, converter))
    converter.register_structure_hook_factory(_is_list, partial(_list_hook, converter))
    converter.register_structure_hook_factory(_is_dict, partial(_dict_hook, converter))
    return converter


def _exactly(value: Any, kind: type[T]) -> T:
    if issubclass(kind, Enum) and isinstance(value, str):
        return kind(value)  # a StrEnum is a str to cattrs as well; ValueError if it is none of them
    if type(value) is not kind:
        raise TypeError
    return value


def _number(value: Any, _: type[float]) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _path(value: Any, kind: type[PurePath]) -> PurePath:
    if type(value) is not str or not value:
        raise TypeError
    return kind(value)


def _hours(value: Any, _: type[Hours]) -> Hours:
    if type(value) is not dict:
        raise TypeError
    return Hours.parse(value)


def _zone(value: Any, _: type[ZoneInfo]) -> ZoneInfo:
    if type(value) is not str:
        raise TypeError
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # no such zone; no name at all; a folder of zones
        raise Unfit(*sentences.no_zone(value, available_timezones())) from None


def _is_path(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, PurePath)


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return origin is list or (origin is tuple and get_args(kind)[1:] == (...,))


def _is_dict(kind: Any) -> bool:
    return (get_origin(kind) or kind) is dict


Hook = Callable[[Any, Any], Any]


def _class_hook(converter: cattrs.Converter, kind: type[Any]) -> Hook:
    typed = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True, _cattrs_use_alias=True)
    optional = all(field.default is not attrs.NOTHING for field in attrs.fields(kind))

    def hook(value: Any, _: Any) -> Any:
        if value is None and optional:
            value = {}  # a section whose every line is commented out
        if type(value) is not dict:
            raise TypeError
        made = typed(value, kind)
        _says_something(value)
        return made

    return hook


def _typeddict_hook(converter: cattrs.Converter, kind: type[Any]) -> Hook:
    typed: Hook = make_typeddict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise TypeError
        made = typed(value, kind)
        _says_something(value)
        return made

    return hook


def _says_something(value: dict[str, Any]) -> None:
    """Words for people, on the screen, on tickets and in alarms, are short and in both languages."""
    if {"zh", "en"} <= value.keys():
        for language in ("zh", "en"):
            text = value[language]
            if not text.strip() or "\n" in text or "\t" in text or len(text) > 64:
                raise Unfit(*sentences.NO_WORDS, key=language)


def _list_hook(converter: cattrs.Converter, kind: Any) -> Hook:
    item = (get_args(kind) or (Any,))[0]
    make = get_origin(kind) or kind

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise TypeError
        return make(_each(converter, enumerate(value), item, kind).values())

    return hook


def _dict_hook(converter: cattrs.Converter, kind: Any) -> Hook:
    # Keys are always text: the document has made them so.
    item = (get_args(kind) or (Any, Any))[1]

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise TypeError
        return _each(converter, value.items(), item, kind)

    return hook


def _each(converter: cattrs.Converter, items: Any, kind: Any, whole: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    errors: list[Exception] = []
    for key, value in items:
        try:
            made[key] = converter.structure(value, kind)
        except Exception as error:  # noqa: BLE001 (as cattrs does: a literal's refusal is a bare Exception)
            error.add_note(IterableValidationNote("", key, kind))
            errors.append(error)
    if errors:
        raise IterableValidationError("", errors, whole)
    return made


# --- from exceptions to faults -----------------------------------------------------------------------------------


def _faults(group: ExceptionGroup[Any], data: Any, document: Document, path: Path) -> Iterator[Fault]:
    """The faults in a tree of exceptions that ``data``, at ``path``, has given rise to."""
    if not isinstance(group, ClassValidationError):
        for error in group.exceptions:
            at = _note(error, IterableValidationNote)
            if at is None:
                yield from _leaf(error, None, data, document, path)
            else:
                yield from _leaf(error, at.type, data[at.index], document, (*path, at.index))
        return
    whole: Exception | None = None
    unknown = {
        key for error in group.exceptions if isinstance(error, ForbiddenExtraKeysError) for key in error.extra_fields
    }
    meant = {sentences.nearest(key, _keys(group.cl)) for key in unknown}
    yield from (_fault((*path, key), sentences.unknown_key(key, _keys(group.cl))) for key in sorted(unknown))
    for error in group.exceptions:
        field = _note(error, AttributeValidationNote)
        if field is not None:
            key = _key(group.cl, field.name)
            if isinstance(error, KeyError) and key not in data:
                if key not in meant:  # else it is there, under the wrong name, and that has been told
                    yield _fault((*path, key), sentences.missing_key(key, field.type))
            else:
                yield from _leaf(error, field.type, data[key], document, (*path, key))
        elif not isinstance(error, ForbiddenExtraKeysError):
            whole = error
    if attrs.has(group.cl):
        refused = _understood(group.cl, _wrong_fields(group), data or {})[1]
        for name, error in refused:
            yield _refused(group.cl, name, error, data or {}, document, path)
        if whole is not None and not refused:
            yield _fault(path, sentences.unfit_value("", None, data, None, whole))


def _leaf(error: Exception, kind: Any, value: Any, document: Document, path: Path) -> Iterator[Fault]:
    if isinstance(error, ExceptionGroup):
        yield from _faults(error, value, document, path)
    elif isinstance(error, Unfit):
        yield _fault(path if error.key is None else (*path, error.key), (error.wrong, error.right))
    else:
        yield _fault(path, sentences.wrong_type(str(path[-1]), kind, value, document.source(path)))


def _refused(kind: Any, name: str, error: Exception, data: Any, document: Document, path: Path) -> Fault:
    """The fault of a field, or of the whole where ``name`` is empty, whose type is right and whose value is not."""
    if not name:
        return _fault(path, sentences.unfit_value("", None, data, None, error))
    field, key = attrs.fields_dict(kind)[name], _key(kind, name)
    here = (*path, key)
    if key not in data:
        # The default itself is refused, which is how a part asks for what its base leaves open.
        return _fault(here, sentences.missing_key(key, field.type))
    value = data[key]
    if isinstance(error, Unfit):
        return _fault(here if error.key is None else (*here, error.key), (error.wrong, error.right))
    if isinstance(value, dict):
        # A part that checks a mapping quotes the entry that it means.
        named = [entry for entry in value if repr(entry) in str(error)]
        if len(named) == 1:
            return _fault((*here, *named), sentences.unfit_value(key, None, named[0], named[0], error))
    return _fault(here, sentences.unfit_value(key, field.validator, value, document.source(here), error))


def _wrong_fields(group: ClassValidationError) -> set[str]:
    return {note.name for error in group.exceptions if (note := _note(error, AttributeValidationNote))}


def _understood(kind: Any, wrong: set[str], data: Any) -> tuple[Any, list[tuple[str, Exception]]]:
    """An object with the fields that are right, and those of the right type whose value is refused, by name.

    attrs itself stops at the first validator that fails; a technician wants all of them. A check of the whole
    (``__attrs_post_init__``) is the field's that it names in quotes, or nobody's.
    """
    known = object.__new__(kind)
    attrs.resolve_types(kind)
    fields = [field for field in attrs.fields(kind) if field.name not in wrong]
    for field in fields:
        if field.alias in data:
            value = _converter().structure(data[field.alias], field.type)
        elif isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # typed as a function, is a class
            value = field.default.factory(known) if field.default.takes_self else field.default.factory()
        else:
            value = field.default
        object.__setattr__(known, field.name, value)
    refused: list[tuple[str, Exception]] = []
    for field in fields:
        error = _first_refusal(field, known)
        if error is not None:
            refused.append((field.name, error))
            object.__delattr__(known, field.name)
    error = _refusal(getattr(known, "__attrs_post_init__", lambda: None))
    if error is not None:
        named = next((field.name for field in fields if f"'{field.name}'" in str(error)), "")
        refused.append((named, error))
        if named:
            object.__delattr__(known, named)
    return known, refused


def _first_refusal(field: "attrs.Attribute[Any]", known: Any) -> Exception | None:
    # One by one where there are several: one that looks at another field, which is wrong, speaks for itself alone.
    for validator in getattr(field.validator, "_validators", (field.validator,)):
        if validator is not None:
            error = _refusal(partial(validator, known, field, getattr(known, field.name)))
            if error is not None:
                return error
    return None


def _refusal(check: Callable[[], object]) -> Exception | None:
    try:
        check()
    except (ValueError, TypeError) as error:
        return error
    except (AttributeError, LookupError, ArithmeticError):
        pass  # it looks at another field, which is not there because it is wrong itself
    return None


Note = TypeVar("Note", AttributeValidationNote, IterableValidationNote)


def _note(error: Exception, kind: type[Note]) -> Note | None:
    return next((note for note in getattr(error, "__notes__", ()) if isinstance(note, kind)), None)


def _key(kind: Any, name: str) -> str:
    """The key in the file of the field of that name."""
    if attrs.has(kind):
        return attrs.fields_dict(kind)[name].alias or name
    return name


def _keys(kind: Any) -> list[str]:
    if attrs.has(kind):
        return [field.alias or field.name for field in attrs.fields(kind)]
    return list(get_type_hints(kind))


def _fault(path: Path, said: sentences.Said) -> Fault:
    return Fault(path=path, wrong=said[0], right=said[1])
