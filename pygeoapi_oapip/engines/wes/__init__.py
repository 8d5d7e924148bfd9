"""Runs packages through a GA4GH Workflow Execution Service, above all Toil's."""
