//! Native equivalents: recognised by their source alone, and equal to Python to the bit.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use reward::{Batch, Function, Pool, PoolConfig, ScoredBy};

/// Phrasings of the stock templates, with the name of the equivalent.
const STOCK: &[(&str, &str)] = &[
    (
        "char_count",
        "def reward_char_count(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    ),
    (
        "char_count",
        "def r(completions, **kwargs):\n    '''Near a length.'''\n    target = 40.0\n    rewards = []\n    for completion in completions:\n        distance = abs(len(completion) - target)\n        rewards.append(-distance)\n    return rewards",
    ),
    (
        "word_count",
        "def reward_word_count(completions: list[str], **kwargs) -> list[float]:\n    return [-abs(9 - len(c.split())) for c in completions]",
    ),
    (
        "word_count",
        "import re\ndef r(completions, **kwargs):\n    return [-1 * abs(len(re.findall(r'\\S+', c)) - 9) for c in completions]",
    ),
    ("completion_length", "def r(completions, **kwargs):\n    return [-1 * len(c) for c in completions]"),
    (
        "completion_length",
        "def r(completions, **kwargs):\n    sign = 1.0\n    return [float(sign * len(c.strip())) for c in completions]",
    ),
    (
        "completion_length",
        "def r(completions, extra_data=None):\n    return [float(len(c)) for c in completions]",
    ),
    (
        "sentence_count",
        "import re\ndef reward_sentence_count(completions, **kwargs):\n    out = []\n    for c in completions:\n        pieces = [s for s in re.split(r'[.!?]+', c) if s.strip()]\n        out.append(-abs(3 - len(pieces)))\n    return out",
    ),
    (
        "sentence_count",
        "def r(completions, **kwargs):\n    import re\n    return [-abs(3 - len(re.split('[.!?]+', c))) for c in completions]",
    ),
    (
        "sentence_count",
        "import re\ndef r(completions, **kwargs):\n    return [-abs(len([p for p in re.split(r'[.!?]+', c) if p]) - 3) for c in completions]",
    ),
    (
        "unique_word_ratio",
        "def r(completions, **kwargs):\n    out = []\n    for c in completions:\n        words = c.lower().split()\n        if not words:\n            out.append(0.0)\n            continue\n        out.append(-1 * (len(set(words)) / len(words)))\n    return out",
    ),
    (
        "unique_word_ratio",
        "def r(completions, **kwargs):\n    return [len(set(c.split())) / max(len(c.split()), 1) for c in completions]",
    ),
    (
        "unique_word_ratio",
        "def r(completions, **kwargs):\n    rewards = []\n    for c in completions:\n        words = c.split()\n        if len(words) == 0:\n            rewards.append(0.5)\n        else:\n            rewards.append(len(set(words)) / len(words))\n    return rewards",
    ),
    (
        "keyword_presence",
        "def r(completions, **kwargs):\n    first = ['because', 'ß', 'δ']\n    second = ('a', 'aa')\n    out = []\n    for c in completions:\n        text = c.lower()\n        score = sum(1 for k in first if k in text)\n        score += sum(text.count(k) for k in second)\n        score += sum(1 for w in text.split() if w in {'i', 'was', 'i'})\n        out.append(float(score))\n    return out",
    ),
    (
        "regex_format",
        "import re\ndef r(completions, **kwargs):\n    pattern = r'^<think>.*?</think>\\s*<answer>.*?</answer>$'\n    return [1.0 if re.match(pattern, c, re.DOTALL) else 0.0 for c in completions]",
    ),
    (
        "regex_format",
        "import re\ndef r(completions, **kwargs):\n    return [1.0 if re.search(r'^\\d+\\.\\s', c, re.MULTILINE) else 0.0 for c in completions]",
    ),
    (
        "regex_format",
        "import re\ndef r(completions, **kwargs):\n    return [float(bool(re.search('in conclusion|to summarize|in summary', c, re.I | re.S))) for c in completions]",
    ),
    (
        "regex_format",
        "import re\ndef r(completions, **kwargs):\n    p = re.compile(r'```[a-z]*\\n[\\s\\S]+?```')\n    out = []\n    for c in completions:\n        m = p.search(c.strip())\n        out.append(1 if m is not None else -1)\n    return out",
    ),
    (
        "regex_format",
        "import re\ndef r(completions, **kwargs):\n    return [1 if re.fullmatch(r'\\w{2,4}[^.\\s]*\\s?\\.?', c.lower()) else 0 for c in completions]",
    ),
];

/// Near misses: each differs from a template in something that matters.
const NOT_STOCK: &[&str] = &[
    "def r(completions, **kwargs):\n    return [-abs(40 - len(c)) ** 2 for c in completions]",
    "def r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions if c]",
    "def r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions][::-1]",
    "def r(completions, **kwargs):\n    return [-abs(40 - len(c.split(' '))) for c in completions]",
    "from math import sqrt\ndef r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    "import numpy\ndef r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    "import json as len\ndef r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    "def len(x):\n    return 1\ndef r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    "def r(completions, len=None):\n    return [-abs(40 - len(c)) for c in completions]",
    "def r(completions, prompts):\n    return [-abs(40 - len(c)) for c in completions]",
    "def r(completions, **kwargs) -> List[float]:\n    return [-abs(40 - len(c)) for c in completions]",
    "@cached\ndef r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    "async def r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
    "def r(completions, **kwargs):\n    return [-abs(len(completions) - len(c)) for c in completions]",
    "def r(completions, **kwargs):\n    n = 0\n    out = []\n    for c in completions:\n        n += sum(1 for k in ['a'] if k in c)\n        out.append(n)\n    return out",
    "def r(completions, **kwargs):\n    out = []\n    for c in completions:\n        out.append(-abs(40 - len(c)))\n        out.append(0)\n    return out",
    "def r(completions, **kwargs):\n    out = [1]\n    for c in completions:\n        out.append(-abs(40 - len(c)))\n    return out",
    "def r(completions, **kwargs):\n    return [len(set(c.split())) / len(c.split()) for c in completions]",
    "def r(completions, **kwargs):\n    return [1.0 if re.search('a', c) else 0.0 for c in completions]",
    "import re\ndef r(completions, **kwargs):\n    return [1.0 if re.search('(?=a)', c) else 0.0 for c in completions]",
    "import re\ndef r(completions, **kwargs):\n    return [1.0 if re.search(r'(a)\\1', c) else 0.0 for c in completions]",
    "import re\ndef r(completions, **kwargs):\n    return [1.0 if re.search('a**', c) else 0.0 for c in completions]",
    "import re\ndef r(completions, **kwargs):\n    return [1.0 if re.search('a', c, re.X) else 0.0 for c in completions]",
    "print('hello')\ndef r(completions, **kwargs):\n    return [-abs(40 - len(c)) for c in completions]",
];

fn pool(native: bool) -> Pool {
    Pool::start(PoolConfig { native, ..PoolConfig::default() }).expect("python3 runs")
}

#[test]
fn stock_functions_are_recognised_in_several_phrasings() {
    let pool = pool(true);
    for (name, source) in STOCK {
        assert_eq!(pool.native_name(&Function::new("f", *source)), Some(*name), "{source}");
    }
}

#[test]
fn what_differs_in_anything_stays_with_python() {
    let pool = pool(true);
    for source in NOT_STOCK {
        assert_eq!(pool.native_name(&Function::new("f", *source)), None, "{source}");
    }
}

/// Every white space of Unicode and of Python, digits of several scripts, letters with unusual case, formats.
fn alphabet() -> Vec<String> {
    let spaces = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\
                  \u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{200b}\u{feff}\u{180e}\0";
    let letters =
        "aAbBzZiIkKsS0123456789_ßẞſKıİΣσςΔδéÉǅŉﬁԱաᏣꭰАаЯя中文字한글🎉👍🏽𝔸𐐀𐐨١٣੩９𑜰𞥐²½Ⅷ\u{301}\u{345}\u{ad}";
    let mut pieces: Vec<String> = spaces.chars().chain(letters.chars()).map(String::from).collect();
    for text in [
        ".",
        "!",
        "?",
        "...",
        "?!",
        "1. ",
        "12.",
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "```",
        "```py\n",
        "\n",
        "in conclusion",
        "In Summary",
        "TO SUMMARIZE",
        "because",
        "was",
        "i ",
        " a ",
        "aa",
        "the ",
        "The ",
        " ",
        " ",
        "  ",
    ] {
        pieces.push(text.to_owned());
    }
    pieces
}

fn random_texts(n: usize) -> Vec<String> {
    let (mut rng, alphabet) = (ChaCha8Rng::seed_from_u64(1), alphabet());
    let mut texts = vec![String::new(), " ".to_owned(), "<think>a</think>\n<answer>b</answer>\n".to_owned()];
    texts.resize_with(n, || {
        // A third of the texts is ASCII, where there are ways of its own.
        let ascii = rng.random_range(0..3) == 0;
        let length = rng.random_range(0..40);
        let pieces = (0..length).map(|_| alphabet[rng.random_range(0..alphabet.len())].as_str());
        pieces.filter(|piece| !ascii || piece.is_ascii()).collect()
    });
    texts
}

#[test]
fn ten_thousand_random_texts_score_as_in_python() {
    let batch = Batch::new(random_texts(10_000));
    let functions: Vec<Function> = STOCK.iter().map(|(name, source)| Function::new(*name, *source)).collect();
    let (native, python) = (pool(true).score(&functions, &batch), pool(false).score(&functions, &batch));
    for ((function, native), python) in functions.iter().zip(&native).zip(&python) {
        assert_eq!((native.by, python.by), (ScoredBy::Native, ScoredBy::Python));
        assert_eq!(python.faults, [], "{}", function.source());
        for (row, text) in batch.completions().iter().enumerate() {
            let (got, want) = (native.values[row], python.values[row]);
            assert!(got == want, "{text:?}: {got} for {want}\n{}", function.source());
        }
    }
}

#[test]
fn every_character_lowers_and_separates_as_in_python() {
    let chars = (0..=0x10ffff).filter_map(char::from_u32);
    let texts =
        chars.filter(|c| (*c as u32) < 0x20000).flat_map(|c| [format!("aΣ{c}b {c} x"), format!("{c}Σ. {c}")]);
    let batch = Batch::new(texts.collect());
    let sources = [
        "def r(completions, **k):\n    return [float(len(c.lower())) for c in completions]",
        "def r(completions, **k):\n    return [sum(1 for k in ['aσ', 'ς', 'σb', 'k', 's', 'i', 'ss'] if k in c.lower()) for c in completions]",
        "def r(completions, **k):\n    return [-abs(3 - len(c.split())) for c in completions]",
        "import re\ndef r(completions, **k):\n    return [1.0 if re.search(r'[\\d][ab]\\s', c) else 0.0 for c in completions]",
        "import re\ndef r(completions, **k):\n    return [1.0 if re.search('[iks]b|Xb', c, re.I) else 0.0 for c in completions]",
    ];
    let functions = sources.map(|source| Function::new("f", source));
    let (native, python) = (pool(true), pool(false));
    for function in &functions {
        assert!(native.native_name(function).is_some(), "{}", function.source());
    }
    for (native, python) in native.score(&functions, &batch).iter().zip(python.score(&functions, &batch)) {
        let wrong = (0..batch.len()).find(|&row| native.values[row] != python.values[row]);
        assert_eq!(wrong.map(|row| &batch.completions()[row]), None);
    }
}
