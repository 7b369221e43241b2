"""The GraphQL schema: types, filters, inputs, queries and mutations, with the field plans of the planner."""

# Registers the enums with Strawberry before any type is defined that has a field of one.
from contentql.schema import enums as enums
