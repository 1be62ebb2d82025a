from __future__ import annotations

from pathlib import Path

import pytest

from architect_migrate.config.policies import builds_uninitialised, may_be_changed, skips_uninitialised
from architect_migrate.core.urls import sqlite_url
from architect_migrate.model.choices import Uninitialised
from architect_migrate.model.environment import Environment, Policies


def environment(policies: Policies) -> Environment:
    return Environment("prod", sqlite_url(Path("/srv/prod.db")), policies=policies)


@pytest.mark.parametrize(
    ("protected", "confirmed", "allowed"),
    [(False, "", True), (False, "qa", True), (True, "", False), (True, "qa", False), (True, "prod", True)],
)
def test_a_protected_environment_is_changed_only_where_its_name_confirms_it(
    protected: bool,
    confirmed: str,
    allowed: bool,
) -> None:
    assert may_be_changed(environment(Policies(protected=protected)), confirmed) is allowed


@pytest.mark.parametrize(
    ("policy", "builds", "skips"),
    [(Uninitialised.CREATE, True, False), (Uninitialised.SKIP, False, True), (Uninitialised.ERROR, False, False)],
)
def test_each_policy_for_uninitialised_databases_allows_one_thing(
    policy: Uninitialised,
    builds: bool,
    skips: bool,
) -> None:
    its = environment(Policies(policy))
    assert (builds_uninitialised(its), skips_uninitialised(its)) == (builds, skips)


@pytest.mark.parametrize(
    ("policies", "targets"),
    [(Policies(), ("head",)), (Policies(target="048"), ("048",)), (Policies(heads=("head", "dev")), ("head", "dev"))],
)
def test_heads_take_the_place_of_the_target(policies: Policies, targets: tuple[str, ...]) -> None:
    assert policies.targets == targets
