"""The codebook: a valid Data Package that the tables follow, and that says of every column what it is."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import frictionless
import pytest

from livingreview import schema
from livingreview.cells import cell_faults
from tests.conftest import read

DESCRIPTOR: dict[str, Any] = json.loads((schema.EVIDENCE / "datapackage.json").read_text(encoding="utf-8"))
COLUMNS = [(table, column) for table in schema.tables().values() for column in table.columns]
of_each_column = pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda part: part.name)
of_each_table = pytest.mark.parametrize("table", schema.tables().values(), ids=lambda table: table.name)


def test_descriptor_is_a_valid_data_package() -> None:
    report = frictionless.Package.validate_descriptor(DESCRIPTOR, basepath=str(schema.EVIDENCE))
    assert report.valid, report.to_summary()


def test_tables_are_valid_by_their_schema_keys_and_foreign_keys() -> None:
    report = frictionless.Package(str(schema.EVIDENCE / "datapackage.json")).validate()
    assert report.valid, report.to_summary()
    assert {task.name for task in report.tasks} == set(schema.tables())


def test_validation_finds_a_broken_foreign_key() -> None:
    rows = {table.name: read(schema.EVIDENCE / table.path) for table in schema.tables().values()}
    rows["events"][0]["finding"] = "nobody2025nothing-1"
    data = {name: [table.header, *(list(row.values()) for row in rows[name])] for name, table in schema.tables().items()}
    schemas = {raw["name"]: frictionless.Schema.from_descriptor(raw["schema"]) for raw in DESCRIPTOR["resources"]}
    resources = [frictionless.Resource(name=name, data=data[name], schema=found) for name, found in schemas.items()]
    report = frictionless.Package(resources=resources).validate()
    assert [error[3] for error in report.flatten(["taskNumber", "rowNumber", "fieldNumber", "type"])] == ["foreign-key"]


@of_each_table
def test_header_is_that_of_the_codebook(table: schema.Table) -> None:
    first = (schema.EVIDENCE / table.path).read_text(encoding="utf-8").split("\n", 1)[0]
    assert first == ",".join(table.header)


@of_each_table
def test_table_is_described_and_its_key_is_required_and_unique(table: schema.Table) -> None:
    assert table.title
    assert table.description
    assert table[table.key].required
    assert table[table.key].unique


@of_each_table
def test_links_lead_to_the_key_of_a_table(table: schema.Table) -> None:
    for name, (target, field) in table.links.items():
        assert name in table.header
        assert schema.tables()[target].key == field


@of_each_column
def test_column_is_described_and_has_an_example(table: schema.Table, column: schema.Column) -> None:
    assert column.description.endswith(".")
    assert column.example


@of_each_column
def test_every_word_of_a_column_has_a_meaning(table: schema.Table, column: schema.Column) -> None:
    if column.meanings:
        assert tuple(column.meanings) == column.words
        assert all(column.meanings.values())
    assert len(set(column.words)) == len(column.words)


@of_each_column
def test_example_follows_the_rules_of_its_column(table: schema.Table, column: schema.Column) -> None:
    assert list(cell_faults(column, column.example, date.today())) == []


@of_each_column
def test_example_occurs_in_its_column(table: schema.Table, column: schema.Column) -> None:
    values = {row[column.name] for row in read(schema.EVIDENCE / table.path)} - {""}
    assert not values or column.example in values, (
        f"give {table.name}.{column.name} an example that stands in the table, in evidence/datapackage.json"
    )
