# SPDX-License-Identifier: Apache-2.0
"""What a measurement gives, and how figures are written."""
import collections

Spread = collections.namedtuple("Spread", "median least most")


class Unable(Exception):
    """A contender can't do what it is asked for: its cell stays empty, and the reason is in the report."""


class Result(collections.namedtuple("Result", "ops_per_s p50 p99 p999 cpu")):
    """Of one measurement: operations a second; times in microseconds, None where there are none; and microseconds of
    processor time an operation by side, such as {"client": 11.0, "daemon": 20.5, "token": 60.1}."""

    __slots__ = ()

    def __new__(cls, ops_per_s, p50=None, p99=None, p999=None, cpu=None):
        return super().__new__(cls, ops_per_s, p50, p99, p999, cpu or {})


def figure(value, unit=""):
    """A number or Spread as text."""
    def short(number):
        if number == 0 or abs(number) >= 100:
            return f"{number:,.0f}"
        return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"

    if isinstance(value, Spread) and value.least < value.most:
        return f"{short(value.median)}{unit} ({short(value.least)} to {short(value.most)})"
    return f"{short(value.median if isinstance(value, Spread) else value)}{unit}"


def ratio_text(ratio):
    """A Spread of ratios, with two digits behind the point."""
    spread = f" ({ratio.least:.2f} to {ratio.most:.2f})" if ratio.least < ratio.most else ""
    return f"{ratio.median:.2f}{spread}"
