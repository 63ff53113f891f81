"""Every row of the checklist has a test, and the tests of D1 to D4, D6, D7 and D9 fail when the tool breaks their
rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from certification import (
    test_d1_login,
    test_d2_bad_payloads,
    test_d3_security,
    test_d4_valid_launches,
    test_d5_deep_linking,
    test_d6_members,
    test_d7_grades,
    test_d8_services,
    test_d9_registration,
)
from certification.faults import FAULTS, FAULTS_OF_REGISTRATION, Fault, applied

if TYPE_CHECKING:
    from certification.helpers import Lti
    from joining import Joins

LAUNCH_MODULES = (test_d1_login, test_d2_bad_payloads, test_d3_security, test_d4_valid_launches)
WITH_FAULTS = (*LAUNCH_MODULES, test_d6_members, test_d7_grades)


def rows(*modules: ModuleType) -> Mapping[int, Callable[..., None]]:
    """The tests of `modules` by the number of their row."""
    found: dict[int, Callable[..., None]] = {}
    for module in modules:
        for name, function in vars(module).items():
            if numbered := re.match(r"test_d\d_(\d+)_", name):
                assert int(numbered[1]) not in found, f"row {numbered[1]} has two tests"
                found[int(numbered[1])] = function
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.row}")
def test_a_fault_in_the_tool_makes_the_test_of_its_row_fail(lti: Lti, fault: Fault) -> None:
    test = rows(*WITH_FAULTS)[fault.row]
    with applied(fault), pytest.raises((AssertionError, pytest.fail.Exception)):
        test(lti)


@pytest.mark.parametrize("fault", FAULTS_OF_REGISTRATION, ids=lambda fault: f"{fault.row}")
def test_a_fault_in_a_registration_makes_the_test_of_its_row_fail(joins: Joins, fault: Fault) -> None:
    test = rows(test_d9_registration)[fault.row]
    with applied(fault), pytest.raises((AssertionError, pytest.fail.Exception)):
        test(joins)


def test_every_row_has_a_test_and_every_row_about_launches_members_and_grades_has_a_fault() -> None:
    assert sorted(fault.row for fault in FAULTS) == sorted(rows(*WITH_FAULTS))
    assert sorted(rows(*LAUNCH_MODULES)) == list(range(1, 89))
    assert sorted(rows(test_d6_members)) == list(range(107, 116))
    assert sorted(rows(test_d7_grades)) == list(range(116, 132))
    assert sorted(rows(test_d5_deep_linking)) == list(range(89, 107))
    assert sorted(rows(test_d8_services)) == list(range(132, 141))
    assert sorted(rows(test_d9_registration)) == list(range(142, 155))
    assert sorted(fault.row for fault in FAULTS_OF_REGISTRATION) == list(range(142, 155))
