# Which stock template a reduced source is. What is not listed here with all its parts stays with Python.


def recognise(source):
    """What the pool computes itself instead, as plain data; None for everything else."""
    try:
        require(len(source) <= MAX_SOURCE)
        return describe(reduce_source(source))
    except (NotRecognised, SyntaxError, ValueError, RecursionError):
        return None


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
