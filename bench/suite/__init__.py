# SPDX-License-Identifier: MIT
"""The parts of bench/run: systems (what is measured), cases (by what), measure, report, chart."""
