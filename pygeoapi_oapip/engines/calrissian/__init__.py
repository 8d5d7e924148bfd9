"""Runs packages with Calrissian on Kubernetes: a Job for each job, a pod for each step (docs/engines/calrissian.md)."""
