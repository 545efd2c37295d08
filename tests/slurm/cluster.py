"""A Slurm of two nodes on this machine, for as long as a `with` block lasts: munged, slurmctld, and two slurmd, each with a mount and
a UTS namespace of its own (so that the nodes have names and do not meet in shared memory). Needs root."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "sinfo", "unshare")


def missing():
    """What a cluster would need and is not here; "" where it can be started."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if absent:
        return "no " + ", ".join(absent)
    if os.geteuid() != 0:
        return "not root"
    if subprocess.run(["unshare", "-m", "-u", "true"], capture_output=True).returncode:
        return "namespaces are not allowed here"
    return ""


def free_ports(count):
    holders = [socket.socket() for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


class Cluster:
    def __init__(self, cpus=8):
        self.cpus = cpus
        self.running = []

    def start(self, name, *command):
        log = open(self.folder / f"{name}.log", "w")
        self.running.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True))

    def __enter__(self):
        # munge wants a short path whose folders nobody else may write to.
        self.folder = Path(tempfile.mkdtemp(prefix="sk", dir="/run"))
        os.chmod(self.folder, 0o755)
        f = self.folder
        control, *nodes = free_ports(3)
        host = socket.gethostname()
        (f / "key").write_bytes(os.urandom(128))
        os.chmod(f / "key", 0o600)
        for name in ("state", "spool.n0", "spool.n1", "pmix"):
            (f / name).mkdir()
        common = f"""ClusterName=skein
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={f}/munge.socket
StateSaveLocation={f}/state
SlurmctldPidFile={f}/slurmctld.pid
SlurmdPidFile={f}/slurmd.%n.pid
SlurmdSpoolDir={f}/spool.%n
SwitchType=switch/none
TaskPlugin=task/none
ProctrackType=proctrack/pgid
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=pmix
ReturnToService=2
KillWait=2
NodeName=n0 NodeHostname={host} NodeAddr=127.0.0.1 Port={nodes[0]} CPUs={self.cpus} State=UNKNOWN
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={nodes[1]} CPUs={self.cpus} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
        (f / "slurm.conf").write_text(common)
        (f / "mpi.conf").write_text(f"PMIxCliTmpDirBase={f}/pmix\n")
        # Two hosts that are one: they talk over the loop, which Open MPI leaves out unless it is told.
        self.environment = dict(os.environ, SLURM_CONF=str(f / "slurm.conf"), OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo",
                                OMPI_MCA_mpi_yield_when_idle="1", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.start("munged", "munged", "--foreground", "--force", f"--key-file={f}/key", f"--socket={f}/munge.socket", f"--pid-file={f}/munged.pid", f"--log-file={f}/munge.log",
                   f"--seed-file={f}/munge.seed")
        self.wait(lambda: (f / "munge.socket").exists(), "munged")
        self.start("slurmctld", "slurmctld", "-D", "-f", f / "slurm.conf")
        for node in ("n0", "n1"):
            own = f"hostname {node} && mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs {f}/pmix && exec slurmd -D -N {node} -f {f}/slurm.conf"
            self.start(f"slurmd.{node}", "unshare", "-m", "-u", "sh", "-c", own)
        self.wait(lambda: self.run("sinfo", "-h", "-o", "%T").stdout.split() == ["idle"] or "idle" in self.run("sinfo", "-h", "-N", "-o", "%T").stdout.split()
                  and self.run("sinfo", "-h", "-N", "-o", "%T").stdout.split().count("idle") == 2, "the nodes")
        return self

    def wait(self, ready, what, seconds=60):
        for _ in range(seconds * 5):
            if ready():
                return
            time.sleep(0.2)
        logs = "\n".join(f"== {log.name}\n{log.read_text()[-2000:]}" for log in sorted(self.folder.glob("*.log")))
        raise RuntimeError(f"{what} did not come up:\n{logs}")

    def run(self, *command, timeout=120, **environment):
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=dict(self.environment, **environment))

    def popen(self, *command, **environment):
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(self.environment, **environment))

    def __exit__(self, *_):
        self.run("scancel", "--state=RUNNING", "-u", "root")
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
