"""Columns of which nothing, or little, can be learned, as warnings and errors say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from skneural.estimators.columns import shown
from skneural.estimators.table.categories import TARGET, Category, as_read
from skneural.estimators.table.reading import Labels, RawColumn
from skneural.estimators.table.targets import MAX_CLASSES
from skneural.estimators.user_warnings import warn_user

#: Of fewer rows, each may have another level by chance.
MIN_LEVELS = 50

#: Share of the levels that are numbers where the column is called numbers.
MOST = 0.9

#: Decimal levels are measured rather than codes from so many on, or so many for each row.
MANY_MEASURED = 200
MEASURED = 0.4

#: Columns that a warning names.
MOST_NAMED = 5

#: Year, month and day in either order, with the name of the month or its number, and what may
#: follow them.
DATE = re.compile(
    r"\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}[-/]\d{1,2}[-/]\d{2}|"
    r"\d{1,2}[- ][A-Za-z]{3,9}[- ](\d{4}|\d{2})|[A-Za-z]{3,9} \d{1,2}, ?\d{4})([ T].*)?\s*"
)

#: A number that is no whole one, which codes are.
DECIMAL = re.compile(r"\s*[-+]?\d*[.]\d+([eE][-+]?\d+)?\s*|\s*[-+]?\d+[.]\s*")
NUMBER = re.compile(r"\s*[-+]?(\d+[.]?\d*|[.]\d+)([eE][-+]?\d+)?\s*")


def warn_of_idle_column(column: RawColumn, category: Category, labels: Labels) -> None:
    """Warn of a category of many levels that is dates, or numbers, or other text in every row.

    Files of text, such as CSV, have dates as text. As a category, no date after those of the
    training tells anything; numbers beside a sign for missing ones have lost their order; and of a
    level that occurs once, nothing is known about other rows.

    Parameters
    ----------
    column : RawColumn
    category : Category
    labels : Labels
        Of the training rows.
    """
    if category.encoding != TARGET or column.dtype_says == "categories":
        return
    levels = category.levels
    if not all(isinstance(level, str) for level in levels):
        _warn_of_numbers_among_text(column, levels)
        return
    n_known = int(np.count_nonzero(labels.of_rows >= 0))
    dates = list(filter(DATE.fullmatch, levels))
    if len(dates) >= MOST * len(levels):
        warn_user(
            f"{column.place} holds dates as text, such as {dates[0]!r}, and is treated as a "
            "category. Make numbers of it that count in your problem, such as the days since a "
            "fixed date, the month or the weekday: pandas.to_datetime reads it."
        )
    elif _are_decimal(levels, n_known):
        example = next(filter(DECIMAL.fullmatch, levels))
        warn_user(
            f"{column.place} holds numbers as text, such as {example!r}, and is treated as a "
            "category: pandas.to_numeric(column, errors='coerce') makes numbers of them, and of "
            "other text a missing value."
        )
    elif len(levels) >= MIN_LEVELS and len(levels) >= MOST * n_known:
        each = "each" if len(levels) == n_known else "nearly each"
        warn_user(
            f"{column.place} is a category of which {each} level, such as {shown(levels[0])}, "
            "occurs once: nothing can be learned of them. Drop the column, or make numbers or "
            "fewer levels of it."
        )


def _warn_of_numbers_among_text(column: RawColumn, levels: Sequence[Any]) -> None:
    """Warn of a column whose levels are numbers but for a few, which are often missing values."""
    numbers = [each for each in levels if isinstance(each, Real)]
    text = [each for each in levels if isinstance(each, str)]
    others = [each for each in text if not NUMBER.fullmatch(each)]
    if numbers and text and len(levels) - len(others) >= MOST * len(levels):
        warn_user(
            f"{column.place} holds numbers, such as {shown(numbers[0])}, and text, such as "
            f"{shown((others or text)[0])}, and is treated as a category. If they measure "
            "something, pandas.to_numeric(column, errors='coerce') makes numbers of all, and of "
            "other text a missing value; if they are codes, pass all as text."
        )


def _are_decimal(levels: Sequence[str], n_rows: int) -> bool:
    """Whether most levels are numbers, and half of them decimal: most codes are whole.

    Where all are numbers they may be codes with a point, which occur in many rows.
    """
    n_numbers = sum(NUMBER.fullmatch(level) is not None for level in levels)
    if n_numbers < MOST * len(levels):
        return False
    if n_numbers == len(levels) and len(levels) < min(MANY_MEASURED, MEASURED * n_rows):
        return False
    return sum(DECIMAL.fullmatch(level) is not None for level in levels) >= n_numbers / 2


def warn_of_other_type(column: RawColumn, category: Category, labels: Labels) -> None:
    """Warn where no level of a category is known because they are written in another way.

    A category has been numbers in training and is text now, or the other way round: files of text,
    such as CSV, are read with codes as numbers or as text. Numbers that have been no text in
    training are nothing to warn of. Or levels differ by case and blanks only, or are bytes and
    were text.

    Parameters
    ----------
    column : RawColumn
        Of rows to predict.
    category : Category
    labels : Labels
        Of these rows.
    """
    seen, found = category.levels, labels.values
    if not seen or not found:
        return
    if isinstance(seen[0], str) == isinstance(found[0], str) or isinstance(found[0], bytes):
        _warn_of_other_writing(column, category, labels)
        return
    was_text, is_text = (_one_type_of_text(levels) for levels in (seen, found))
    if was_text is None or is_text is None or (was_text and not _are_written(found, seen)):
        return
    now, before = ("text", "numbers") if is_text else ("numbers", "text")
    warn_user(
        f"{column.place} holds {now}, such as {shown(found[0])}, where its categories in training "
        f"were {before}, such as {shown(seen[0])}: none of them is known. Pass {before}, as in fit."
    )


def _warn_of_other_writing(column: RawColumn, category: Category, labels: Labels) -> None:
    occurring = [labels.values[i] for i in np.unique(labels.of_rows).tolist() if i >= 0]
    if any(category.code_of(level) != category.unknown for level in occurring):
        return
    alike = category.level_of_writing
    for level in occurring:
        if as_read(level) in alike:
            warn_user(
                f"{column.place} holds {shown(level)}, where its categories in training were such "
                f"as {shown(alike[as_read(level)])}: none of them is known. Pass them as in fit."
            )
            return


def _one_type_of_text(levels: Sequence[Any]) -> bool | None:
    """Whether all levels are text (True), or none is text or bytes (False); None for a mixture."""
    if all(isinstance(level, str) for level in levels):
        return True
    return None if any(isinstance(level, str | bytes) for level in levels) else False


def _are_written(numbers: Sequence[Any], levels: Sequence[str]) -> bool:
    """Whether some of the numbers, or of True and False, are among these levels as text."""
    known: set[Any] = {float(level) for level in levels if NUMBER.fullmatch(level)}
    known.update(levels)
    # True and False of columns that can lack them are numbers by now.
    known.update(float(truth) for truth in (True, False) if str(truth) in levels)
    return any(number in known or str(number) in known for number in numbers)


def warn_of_counted_columns(places: Sequence[str], further_advice: str = "") -> None:
    """Warn of categories that are encoded by the number of their rows alone, for so many classes.

    Parameters
    ----------
    places : sequence of str
        What they are called: one or more.
    further_advice : str, default=''
        What else there is to be done.
    """
    named = ", ".join(place.removesuffix(" of X") for place in places[:MOST_NAMED])
    others = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    warn_user(
        f"{named}{others} of X: where y has more than {MAX_CLASSES} classes, categories of many "
        "levels are encoded by the number of rows of each level only. A larger max_one_hot has a "
        f"column for each level instead.{further_advice}"
    )


def nothing_to_learn(n_rows: int, *, has_counted: bool) -> str:
    """The error where no column is left.

    Parameters
    ----------
    n_rows : int
        Of the training.
    has_counted : bool
        Whether there are categories that are encoded by the number of their rows alone.
    """
    also = ", or a category whose levels have the same number of rows" if has_counted else ""
    return (
        f"Every column of X is constant in training{also} (n_samples = {n_rows}): nothing can be "
        "learned from it."
    )
