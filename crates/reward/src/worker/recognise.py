# Which stock template a source is, from its syntax tree alone; nothing of it is run.
#
# A source is first reduced to one expression over one completion: simple assignments are put in, a loop that appends
# becomes the value it appends, branches become conditional expressions. What does not reduce, or reduces to something
# that is not listed here with all its parts, is not recognised and stays with Python.

import ast

MODULES = {"re", "math", "json", "string"}
ANNOTATIONS = {"list", "list[str]", "list[float]", "list[int]", "str", "float", "int", "dict", "None"}
BUILTINS = {"len", "abs", "set", "sum", "any", "float", "bool", "max", "list", "re"}
MAX_SOURCE, MAX_NODES, MAX_NUMBER = 20_000, 600, 1 << 40
COMPLETION = "completion!"


class NotRecognised(Exception):
    pass


def require(condition):
    if not condition:
        raise NotRecognised


def recognise(source):
    """What the pool computes itself instead, as plain data; None for everything else."""
    try:
        require(len(source) <= MAX_SOURCE)
        return describe(reduce_source(source))
    except (NotRecognised, SyntaxError, ValueError, RecursionError):
        return None


# --- reduction


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def imported(node):
    require(all(alias.name in MODULES and alias.asname is None for alias in node.names))
    return {alias.name for alias in node.names}


def reduce_source(source):
    modules, function = set(), None
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            modules |= imported(node)
        elif not is_text(node):
            require(isinstance(node, ast.FunctionDef) and function is None)
            function = node
    require(function is not None)
    completions = check_signature(function)
    body = [node for node in function.body if not is_text(node)]
    while body and isinstance(body[0], ast.Import):
        modules |= imported(body.pop(0))
    value = Simplify().visit(reduce_body(body, completions))
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    require("re" not in names or "re" in modules)
    return value


def check_signature(function):
    """The name of the completions; no other parameter is needed, and none hides a built-in name."""
    arguments = function.args
    require(arguments.args and not arguments.posonlyargs and not function.decorator_list)
    require(len(arguments.defaults) >= len(arguments.args) - 1)
    require(all(isinstance(node, ast.Constant) for node in [*arguments.defaults, *arguments.kw_defaults]))
    extra = [one for one in (arguments.vararg, arguments.kwarg) if one]
    every = [*arguments.args, *arguments.kwonlyargs, *extra]
    notes = [one.annotation for one in every] + [function.returns]
    require(all(note is None or isinstance(note, ast.Constant) or ast.unparse(note) in ANNOTATIONS for note in notes))
    names = {one.arg for one in every}
    require(not (names | {function.name}) & BUILTINS and not getattr(function, "type_params", None))
    return arguments.args[0].arg


def assigned(node, known):
    """`known` with a plain assignment put in; None if `node` is no such assignment."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id in known:
        target, value = node.target, ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
    else:
        return None
    require(isinstance(target, ast.Name) and target.id not in BUILTINS)
    return {**known, target.id: put_in(value, known)}


def reduce_body(body, completions):
    known, lists, value = {}, set(), None
    for node in body:
        following = assigned(node, known)
        if following is not None:
            name = next(name for name in following if following[name] is not known.get(name))
            require(name != completions and value is None)
            lists = lists | {name} if is_empty_list(following[name]) else lists - {name}
            known = following
        elif isinstance(node, ast.For):
            require(value is None and not node.orelse and isinstance(node.target, ast.Name))
            require(is_name(node.iter, completions) and node.target.id not in BUILTINS | lists)
            inner = {name: one for name, one in known.items() if name not in lists}
            # What one pass leaves for the next is more than a value of one completion.
            require(not set(known) & stored(node.body))
            inner[node.target.id] = ast.Name(COMPLETION, ast.Load())
            value = appended(node.body, inner, lists)
        else:
            require(isinstance(node, ast.Return) and node is body[-1])
            if value is None:
                return listed(node.value, known, completions)
            require(isinstance(node.value, ast.Name) and node.value.id in lists and len(lists) == 1)
            return value
    raise NotRecognised


def stored(body):
    """Names that the statements assign."""
    nodes = [part for node in body for part in ast.walk(node)]
    return {part.id for part in nodes if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def listed(node, known, completions):
    """The element of `[element for completion in completions]`."""
    require(isinstance(node, ast.ListComp) and len(node.generators) == 1)
    loop = node.generators[0]
    require(not loop.ifs and not loop.is_async and isinstance(loop.target, ast.Name))
    require(is_name(loop.iter, completions) and loop.target.id not in BUILTINS)
    return put_in(node.elt, {**known, loop.target.id: ast.Name(COMPLETION, ast.Load())})


def appended(body, known, lists):
    """What one pass of the loop appends, once on every way through it."""
    require(body)
    node, rest = body[0], body[1:]
    following = assigned(node, known)
    if following is not None:
        require(not lists & set(following))
        return appended(rest, following, lists)
    if isinstance(node, ast.If):
        leaves = isinstance(node.body[-1], ast.Continue)
        then = appended(node.body if leaves else node.body + rest, known, lists)
        return ast.IfExp(put_in(node.test, known), then, appended(node.orelse + rest, known, lists))
    require(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and all(isinstance(one, ast.Continue) for one in rest))
    call = node.value
    require(isinstance(call.func, ast.Attribute) and call.func.attr == "append" and len(call.args) == 1)
    require(isinstance(call.func.value, ast.Name) and call.func.value.id in lists and not call.keywords)
    return put_in(call.args[0], known)


def put_in(node, known):
    """A copy of `node` with known names replaced by their values."""
    bound = {one.id for part in ast.walk(node) if isinstance(part, ast.comprehension)
             for one in ast.walk(part.target) if isinstance(one, ast.Name)}
    require(not bound & (set(known) | BUILTINS))
    require(not any(isinstance(part, (ast.NamedExpr, ast.Lambda, ast.Await, ast.Yield)) for part in ast.walk(node)))
    value = PutIn(known).visit(ast.parse(ast.unparse(node), mode="eval").body)
    require(sum(1 for _ in ast.walk(value)) <= MAX_NODES)
    return value


class PutIn(ast.NodeTransformer):
    def __init__(self, known):
        self.known = known

    def visit_Name(self, node):
        return self.known.get(node.id, node)


class Simplify(ast.NodeTransformer):
    """Different phrasings of one value become the same."""

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and is_number(node.operand):
            return ast.Constant(-node.operand.value)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        if is_name(node.func, "float") and len(node.args) == 1 and not isinstance(node.args[0], ast.Constant):
            return node.args[0]
        if is_name(node.func, "sum") and len(node.args) == 1 and isinstance(node.args[0], ast.ListComp):
            return ast.Call(node.func, [ast.GeneratorExp(node.args[0].elt, node.args[0].generators)], node.keywords)
        return node

    def visit_IfExp(self, node):
        self.generic_visit(node)
        test, swapped = node.test, False
        while True:
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                test, swapped = test.operand, not swapped
            elif is_name(getattr(test, "func", None), "bool") and len(test.args) == 1:
                test = test.args[0]
            else:
                break
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Eq, ast.Is)) and len(test.ops) == 1:
            nothing = test.comparators[0]
            if isinstance(nothing, ast.Constant) and (nothing.value is None or is_zero(nothing)):
                opposite = ast.IsNot() if nothing.value is None else ast.Gt()
                test, swapped = ast.Compare(test.left, [opposite], test.comparators), not swapped
        then, otherwise = (node.orelse, node.body) if swapped else (node.body, node.orelse)
        scaled = isinstance(then, ast.BinOp) and isinstance(then.op, ast.Mult) and is_number(then.left)
        if scaled and is_number(otherwise) and otherwise.value == 0:
            return ast.BinOp(then.left, ast.Mult(), ast.IfExp(test, then.right, otherwise))
        return ast.IfExp(test, then, otherwise)


def is_name(node, name):
    return isinstance(node, ast.Name) and node.id == name


def is_empty_list(node):
    return isinstance(node, ast.List) and not node.elts


def is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and abs(node.value) < MAX_NUMBER


def is_zero(node):
    return is_number(node) and type(node.value) is int and node.value == 0


# --- description


def match(pattern, node, found):
    """True if `node` has the shape of `pattern`; capital names of the pattern are collected in `found`."""
    if isinstance(pattern, ast.Name) and pattern.id.isupper():
        same = found.setdefault(pattern.id, node)
        return ast.dump(same) == ast.dump(node)
    if isinstance(pattern, ast.Name) and len(pattern.id) == 1:
        return isinstance(node, ast.Name) and found.setdefault(pattern.id, node.id) == node.id
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, list):
        return len(pattern) == len(node) and all(match(a, b, found) for a, b in zip(pattern, node))
    if not isinstance(pattern, ast.AST):
        return pattern == node
    fields = [name for name in pattern._fields if name not in ("ctx", "kind")]
    return all(match(getattr(pattern, name, None), getattr(node, name, None), found) for name in fields)


def matched(node, *templates):
    """What the capitals of the first fitting template stand for, or None."""
    for template in templates:
        found = {}
        if match(Simplify().visit(ast.parse(template, mode="eval").body), node, found):
            return found
    return None


def text(node):
    """`completion.strip().lower()` as its list of methods."""
    methods = []
    while isinstance(node, ast.Call):
        require(isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "strip", "lstrip", "rstrip"))
        require(not node.args and not node.keywords)
        methods.insert(0, node.func.attr)
        node = node.func.value
    require(is_name(node, COMPLETION))
    return methods


def number(node):
    require(is_number(node))
    return node.value


def string(node):
    require(isinstance(node, ast.Constant) and isinstance(node.value, str))
    return node.value


def strings(node):
    require(isinstance(node, (ast.List, ast.Tuple, ast.Set)) and node.elts)
    words = [string(one) for one in node.elts]
    require(all(words))
    return list(dict.fromkeys(words)) if isinstance(node, ast.Set) else words


def describe(value):
    found = matched(value, "-abs(TARGET - METRIC)", "-1 * abs(TARGET - METRIC)")
    if found:
        swapped = not is_number(found["TARGET"])
        target, metric = (found["METRIC"], found["TARGET"]) if swapped else (found["TARGET"], found["METRIC"])
        return {"shape": "distance", "number": number(target), "metric": count(metric)}
    found = matched(value, "FACTOR * METRIC")
    if found:
        swapped = not is_number(found["FACTOR"])
        factor, metric = (found["METRIC"], found["FACTOR"]) if swapped else (found["FACTOR"], found["METRIC"])
        return {"shape": "times", "number": number(factor), "metric": measure(metric)}
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        return {"shape": "times", "number": -1, "metric": measure(value.operand)}
    return {"shape": "times", "number": 1, "metric": measure(value)}


def count(node):
    """A metric that is a whole number."""
    metric = measure(node)
    require(metric["kind"] in ("chars", "words", "pieces", "keywords"))
    return metric


def measure(node):
    for form in (plain_count, pieces, unique_ratio, keywords, pattern_match):
        metric = form(node)
        if metric is not None:
            return metric
    raise NotRecognised


def plain_count(node):
    found = matched(node, "len(TEXT.split())", r"len(re.findall('\\S+', TEXT))")
    if found:
        return {"kind": "words", "text": text(found["TEXT"])}
    found = matched(node, "len(TEXT)")
    if found and (is_name(found["TEXT"], COMPLETION) or isinstance(getattr(found["TEXT"], "func", None), ast.Attribute)):
        try:
            return {"kind": "chars", "text": text(found["TEXT"])}
        except NotRecognised:
            return None
    return None


def pieces(node):
    split = "re.split('[.!?]+', TEXT)"
    forms = {
        "all": [f"len({split})"],
        "filled": [f"len([s for s in {split} if s])"],
        "visible": [f"len([s for s in {split} if s.strip()])", f"len([s.strip() for s in {split} if s.strip()])"],
    }
    forms["filled"].append(f"sum(1 for s in {split} if s)")
    forms["visible"].append(f"sum(1 for s in {split} if s.strip())")
    for keep, templates in forms.items():
        found = matched(node, *templates)
        if found:
            return {"kind": "pieces", "keep": keep, "text": text(found["TEXT"])}
    return None


def unique_ratio(node):
    ratio = "len(set(TEXT.split())) / len(TEXT.split())"
    words = "TEXT.split()"
    found = matched(node, f"{ratio} if {words} else EMPTY", f"{ratio} if len({words}) else EMPTY",
                    f"{ratio} if len({words}) > 0 else EMPTY")
    if found:
        return {"kind": "unique_ratio", "text": text(found["TEXT"]), "empty": number(found["EMPTY"])}
    found = matched(node, f"len(set({words})) / max(len({words}), 1)", f"len(set({words})) / max(1, len({words}))")
    return found and {"kind": "unique_ratio", "text": text(found["TEXT"]), "empty": 0}


def keywords(node):
    """A sum of counts of fixed lists of words."""
    forms = {
        "words": ["sum(1 for w in TEXT.split() if w in WORDS)", "len([w for w in TEXT.split() if w in WORDS])"],
        "present": ["sum(1 for k in WORDS if k in TEXT)", "sum(k in TEXT for k in WORDS)",
                    "len([k for k in WORDS if k in TEXT])"],
        "occurrences": ["sum(TEXT.count(k) for k in WORDS)"],
    }
    terms = []
    for term in summands(node):
        for how, templates in forms.items():
            found = matched(term, *templates)
            if found:
                terms.append({"how": how, "text": text(found["TEXT"]), "words": strings(found["WORDS"])})
                break
        else:
            return None
    return {"kind": "keywords", "terms": terms}


def summands(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return summands(node.left) + summands(node.right)
    return [] if is_zero(node) else [node]


def pattern_match(node):
    """One number if a regular expression matches, another if not."""
    found = matched(node, "HIT if TEST is not None else MISS", "HIT if TEST else MISS")
    if not found:
        found = matched(node, "bool(TEST)", "TEST is not None")
        if not found:
            return None
        found = {**found, "HIT": ast.Constant(1), "MISS": ast.Constant(0)}
    call = found["TEST"]
    require(isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and not call.keywords)
    how, arguments = call.func.attr, list(call.args)
    if not is_name(call.func.value, "re"):
        compiled = call.func.value
        require(isinstance(compiled, ast.Call) and ast.unparse(compiled.func) == "re.compile" and len(arguments) == 1)
        require(1 <= len(compiled.args) <= 2 and not compiled.keywords)
        arguments = [compiled.args[0], arguments[0], *compiled.args[1:]]
    require(how in ("search", "match", "fullmatch") and len(arguments) in (2, 3))
    letters = "".join(sorted(flags(arguments[2]))) if len(arguments) == 3 else ""
    require(compiles(string(arguments[0])))
    return {"kind": "pattern", "how": how, "pattern": string(arguments[0]), "text": text(arguments[1]),
            "flags": letters, "hit": number(found["HIT"]), "miss": number(found["MISS"])}


def compiles(pattern):
    import re
    try:
        re.compile(pattern)
        return True
    except re.error:
        return False


def flags(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return flags(node.left) | flags(node.right)
    known = {"re.I": "i", "re.IGNORECASE": "i", "re.S": "s", "re.DOTALL": "s", "re.M": "m", "re.MULTILINE": "m"}
    name = ast.unparse(node)
    require(name in known)
    return {known[name]}
