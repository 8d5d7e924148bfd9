"""What runs in the pod of a job, with Calrissian's Python and nothing of this project: copied there with each job."""
