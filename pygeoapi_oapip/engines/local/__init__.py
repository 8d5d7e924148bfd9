"""cwltool on this machine: a warm fork server, one child process group per job."""
