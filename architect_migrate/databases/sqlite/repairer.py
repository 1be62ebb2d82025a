"""Repairs of a SQLite database, planned and executed: `databases.base.Repairer`."""

from __future__ import annotations

from architect_migrate.databases.sqlite import template
from architect_migrate.databases.sqlite.repair import perform as performing
from architect_migrate.databases.sqlite.repair import planner

repair_planner = planner.repair_planner
perform = performing.perform
statements_of = performing.statements_of
built = template.built
replay_on = template.replay_on
