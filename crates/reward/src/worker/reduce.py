# A source as one expression over one completion, from its syntax tree alone; nothing of it is run.
#
# Simple assignments are put in, a loop that appends becomes the value it appends, branches become conditional
# expressions, phrasings of one value become the same. What does not reduce is not recognised.

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
