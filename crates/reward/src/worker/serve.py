# The worker's loop: loads functions, keeps the batch at hand, calls one function at a time.
#
# Requests and replies are JSON objects behind a length of four bytes. A forked child that comes back here ends at once,
# so that only the worker itself ever replies.

REPLY_TEXT = 600
WATCHED = {"os.fork": "forks", "os.forkpty": "forks", "os.exec": "forks", "os.posix_spawn": "forks", "os.system": "forks",
           "subprocess.Popen": "forks", "socket.__new__": "network", "socket.getaddrinfo": "network"}


class Fault(Exception):
    def __init__(self, kind, detail):
        super().__init__(detail)
        self.kind, self.detail = kind, detail

    def reply(self):
        return {"kind": self.kind, "detail": self.detail[:REPLY_TEXT]}


class Discard:
    """Standard output of the functions: counted, not kept."""
    encoding, errors, printed = "utf-8", "strict", 0

    def write(self, text):
        self.printed += len(text)
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False

    def fileno(self):
        return 1


def raised(error):
    """What an exception is called."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    line = f" (line {where.tb_lineno})" if where is not None else ""
    if isinstance(error, SystemExit):
        return Fault("exits", f"SystemExit: {error.code}{line}")
    if isinstance(error, MemoryError):
        return Fault("memory", f"MemoryError{line}")
    return Fault("raises", f"{type(error).__name__}: {error}{line}")


def load(source, restricted_execution):
    """The first callable of the source's own namespace, exactly as `exec(source, namespace)` leaves it."""
    try:
        code = compile(source, "<reward>", "exec")
    except (SyntaxError, ValueError) as error:
        raise Fault("syntax", f"{type(error).__name__}: {error}")
    namespace = {}
    try:
        exec(code, namespace)
    except BaseException as error:
        fault = raised(error)
        raise Fault(fault.kind if fault.kind != "raises" else "load", f"while loading: {fault.detail}")
    for value in namespace.values():
        if callable(value):
            namespace.setdefault("restricted_execution", restricted_execution)
            return value
    raise Fault("no-callable", "the source defines nothing that can be called")


def fresh(column):
    """A copy that a function may change without harm to the next one."""
    if any(type(value) in (list, dict) for value in column):
        import copy
        return copy.deepcopy(column)
    return list(column)


def call(function, completions, columns):
    """`f(completions, **columns)`, on TypeError `f(completions)`: the evaluator's order."""
    try:
        return function(completions, **columns)
    except TypeError as error:
        first = error
    try:
        return function(completions)
    except TypeError:
        if not takes_completions(function):
            raise Fault("signature", f"cannot be called as f(completions, **columns): {first}")
        raise


def takes_completions(function):
    import inspect
    try:
        inspect.signature(function).bind([])
        return True
    except TypeError:
        return False
    except ValueError:
        return True


def numbers(result, n):
    """The scores as finite floats or None, and how many are missing."""
    if hasattr(result, "tolist"):
        result = result.tolist()
    if not isinstance(result, (list, tuple)):
        raise Fault("wrong-type", f"returned {type(result).__name__}, not a list of numbers")
    if len(result) != n:
        raise Fault("wrong-length", f"returned {len(result)} scores for {n} completions")
    values, missing = [], 0
    for value in result:
        if type(value) is not float and value is not None:
            if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
                raise Fault("wrong-type", f"a score is {type(value).__name__} {value!r:.80}, not a number")
            try:
                value = float(value)
            except OverflowError:
                value = None
        if value is None or value - value != 0.0:
            value, missing = None, missing + 1
        values.append(value)
    return values, missing


class Worker:
    def __init__(self, requests, replies, restricted_execution):
        self.requests, self.replies, self.pid = requests, replies, os.getpid()
        self.restricted_execution = restricted_execution
        self.functions, self.completions, self.columns, self.events = {}, [], {}, set()
        self.stdout = sys.stdout = sys.stderr = Discard()
        sys.addaudithook(self.watch)

    def watch(self, event, _arguments):
        if event in WATCHED:
            self.events.add(WATCHED[event])

    def serve(self):
        while True:
            request = read_frame(self.requests)
            self.events.clear()
            printed, self.stdout.printed = 0, 0
            try:
                reply = getattr(self, request["op"])(request)
            except Fault as fault:
                reply = {"fault": fault.reply()}
            if os.getpid() != self.pid:
                os._exit(0)
            if reply is not None:
                printed = self.stdout.printed
                reply.update(id=request["id"], printed=printed, events=sorted(self.events))
                write_frame(self.replies, reply)

    def recognise(self, request):
        return {"native": recognise(request["source"])}

    def load(self, request):
        self.functions[request["key"]] = load(request["source"], self.restricted_execution)
        return {}

    def batch(self, request):
        self.completions, self.columns = request["completions"], request["columns"]

    def call(self, request):
        import time
        completions = list(self.completions)
        columns = {name: fresh(column) for name, column in self.columns.items()}
        self.restricted_execution.left = request["job_seconds"]
        start = time.perf_counter()
        try:
            result = call(self.functions[request["key"]], completions, columns)
            values, missing = numbers(result, len(self.completions))
        except Fault:
            raise
        except BaseException as error:
            raise raised(error)
        mutated = request["probe"] and (completions != self.completions or columns != self.columns)
        return {"values": values, "missing": missing, "mutated": mutated, "seconds": time.perf_counter() - start}


def main(memory_bytes, file_bytes, tiers):
    """`tiers` are those that the pool asks for, strongest first."""
    drop_secrets()
    sys.path[:] = [entry for entry in sys.path if entry]
    requests, replies = take_channel()
    refused = []
    namespaces = "namespaces" in tiers and attempt("namespaces", enter_namespaces, refused)
    worker = os.fork()
    if worker:
        monitor(worker, requests, replies)
    attempt("prctl", die_with_parent, refused)
    attempt("limits", lambda: set_limits(memory_bytes, file_bytes, 64 + n_processes()), refused)
    filters = "seccomp" in tiers and attempt("seccomp", lambda: install_filter(QUIET), refused)
    restricted_execution = start_helper((requests, replies))
    filters = filters and attempt("seccomp", lambda: install_filter(ALONE, alone=True), refused)
    tier = "namespaces" if namespaces else "seccomp" if filters else "limits"
    write_frame(replies, {"tier": tier, "filters": filters, "refused": refused, "python": sys.version.split()[0]})
    Worker(requests, replies, restricted_execution).serve()


def n_processes():
    """Processes and threads of this user now: the limit counts them all."""
    total = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{name}").st_uid == os.getuid():
                total += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            pass
    return total


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","))
