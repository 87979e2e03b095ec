# `restricted_execution(code, input_data) -> (out, err)` for functions that run a model's code.
#
# A helper process, forked before the worker gives up forking, runs each job in a child of its own with tight limits.
# Where the package RestrictedPython can be imported it compiles the job; else limits and the filters are all there is.

JOB_SECONDS, JOB_MEMORY, JOB_OUTPUT = 2.0, 512 << 20, 64 << 10


def job_namespace(code, input_data, output):
    """Compiled code and its globals."""
    names = {"__name__": "__main__", "input_data": input_data}
    try:
        from RestrictedPython import compile_restricted, safe_globals, utility_builtins
        from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
        from RestrictedPython.Guards import full_write_guard, guarded_iter_unpack_sequence, guarded_unpack_sequence
    except ImportError:
        return compile(code, "<job>", "exec"), names

    class Print:
        def __init__(self, _getattr=None):
            pass

        def _call_print(self, *values, **options):
            print(*values, **{**options, "file": output})

    builtins = {**safe_globals["__builtins__"], **utility_builtins, "input": input, "sum": sum, "min": min, "max": max,
                "list": list, "dict": dict, "set": set, "enumerate": enumerate, "map": map, "filter": filter,
                "any": any, "all": all, "reversed": reversed, "sorted": sorted}
    guards = {"_print_": Print, "_getattr_": getattr, "_getitem_": default_guarded_getitem, "_write_": full_write_guard,
              "_getiter_": default_guarded_getiter, "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
              "_unpack_sequence_": guarded_unpack_sequence,
              "_inplacevar_": lambda op, x, y: eval(f"x {op[:-1]} y", {"x": x, "y": y})}
    return compile_restricted(code, "<job>", "exec"), {**names, **guards, "__builtins__": builtins}


def run_job(code, input_data, answer):
    """In the job's process: runs the code and writes `[out, err]`."""
    import io
    output, error = io.StringIO(), ""
    sys.stdout, sys.stderr, sys.stdin = output, io.StringIO(), io.StringIO(str(input_data))
    try:
        set_limits(JOB_MEMORY, 0, 1)
        attempt("seccomp", lambda: install_filter(ALONE, alone=True), [])
        compiled, names = job_namespace(code, input_data, output)
        exec(compiled, names)
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"
    write_frame(answer, [output.getvalue()[:JOB_OUTPUT], error[:JOB_OUTPUT]])
    os._exit(0)


def wait_for_job(job, answer, seconds):
    """The job's answer, or what became of it."""
    import time
    data, deadline = b"", time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([answer], [], [], left)[0]:
            result = ["", f"TimeoutError: no end after {seconds:.1f} s"]
            break
        piece = os.read(answer, 1 << 16)
        if not piece:
            result = json.loads(data[4:]) if len(data) > 4 else ["", "the process died"]
            break
        data += piece
    os.kill(job, signal.SIGKILL)
    os.waitpid(job, 0)
    return result


def helper(jobs, answers):
    """Runs jobs until the worker is gone."""
    while True:
        code, input_data, seconds = read_frame(jobs)
        reading, writing = os.pipe()
        job = os.fork()
        if job == 0:
            os.close(reading)
            run_job(code, input_data, writing)
        os.close(writing)
        write_frame(answers, wait_for_job(job, reading, seconds))
        os.close(reading)


def start_helper(others):
    """The function to be injected; `others` are descriptors that the helper must not hold."""
    jobs_read, jobs_write = os.pipe()
    answers_read, answers_write = os.pipe()
    if os.fork() == 0:
        for fd in (*others, jobs_write, answers_read):
            os.close(fd)
        attempt("prctl", die_with_parent, [])
        helper(jobs_read, answers_write)
    os.close(jobs_read)
    os.close(answers_write)

    return RestrictedExecution(jobs_write, answers_read)


class RestrictedExecution:
    """The injected function. All jobs of one call share a budget, so that a model's endless loops cost its own code
    their results and not the function its time limit."""

    def __init__(self, jobs, answers):
        self.jobs, self.answers, self.left = jobs, answers, JOB_SECONDS

    def __call__(self, code, input_data):
        import time
        if self.left <= 0:
            return "", "TimeoutError: the batch has no time left"
        start = time.monotonic()
        text = input_data if isinstance(input_data, str) else json.dumps(input_data)
        write_frame(self.jobs, [str(code), text, min(JOB_SECONDS, self.left)])
        out, err = read_frame(self.answers)
        self.left -= time.monotonic() - start
        return out, err
