"""Categories of which nothing can be learned: dates as text, names, numbers of rows."""

from __future__ import annotations

import re

import numpy as np

from skneural.estimators.table.categories import TARGET, Category
from skneural.estimators.table.reading import Labels, RawColumn
from skneural.estimators.user_warnings import warn_user

#: Of fewer rows, each may have another level by chance.
MIN_LEVELS = 50

#: Year, month and day in either order, and what may follow them.
DATE = re.compile(r"\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T].*)?\s*")


def warn_of_idle_column(column: RawColumn, category: Category, labels: Labels) -> None:
    """Warn of a category of many levels that is dates as text, or another text in every row.

    Files of text, such as CSV, have dates as text. As a category, no date after those of the
    training tells anything; and of a level that occurs once, nothing is known about other rows.

    Parameters
    ----------
    column : RawColumn
    category : Category
    labels : Labels
        Of the training rows.
    """
    if category.encoding != TARGET or column.has_category_dtype:
        return
    levels = category.levels
    if not all(isinstance(level, str) for level in levels):
        return
    if all(map(DATE.fullmatch, levels)):
        warn_user(
            f"{column.place} holds dates as text, such as {levels[0]!r}, and is treated as a "
            "category. Make numbers of it that count in your problem, such as the days since a "
            "fixed date, the month or the weekday: pandas.to_datetime reads it."
        )
    elif len(levels) >= MIN_LEVELS and len(levels) == np.count_nonzero(labels.of_rows >= 0):
        warn_user(
            f"{column.place} is a category of which each level, such as {levels[0]!r}, occurs "
            "once: nothing can be learned of them. Drop the column, or make numbers or fewer "
            "levels of it."
        )
