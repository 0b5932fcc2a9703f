"""Prefect flows: one file a flow, whose tasks call one stage each."""
