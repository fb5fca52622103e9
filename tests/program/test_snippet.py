"""Snippets: what is read out of them, how they are written again, what is refused where."""

from __future__ import annotations

import pickle
import random
import re

import pytest

from mlgenn_delays.engines.cpu.toolchain import build, load
from mlgenn_delays.program.snippet import Snippet, parse_expression, parse_statements

EVERYTHING = """
    // comments may hold anything: std::auto [ ] " '
    const scalar Half = .5, Other = fmax(A, 1e-3) + 2.0e+1f;  /* # \\ */
    unsigned int Count = 0;
    for (int K = 0, L = 3; K < L; K++) { Count += (K == 1) ? 1 : 0; }
    bool Positive = (V > 0.0) && !(Half >= Other) || true;
    if (Positive) V *= exp(-B / C); else if (V < B) { V -= 1.; } else ++V;
    if (V > A) if (V > B) V = B; else V = A;
    switch (Count) { case 0: case 1: V += 1.0; break; case 2: { V += 2.0; } default: V += C; }
    do { V = V + 1; if (V > 2.0) continue; V += .5e1; } while (V < 3.0 && V > -9.0);
    while (true) { V -= 1.0, Count++; if (Count > 9) break; }
    for (;;) { break; };
    { scalar Count = V; V = (scalar)(int)Count; }
    V = (A * V) + W - (A - B) - C * 4.0 / 5.0 * (A / 7.0);
"""

WRITTEN = """\
const scalar Half = .5f;
const scalar Other = std::fmax(s.A[j], 1e-3f) + 2.0e+1f;
unsigned int Count = 0;
for (int K = 0, L = 3; K < L; K++) {
    Count += (K == 1) ? 1 : 0;
}
bool Positive = ((V > 0.0f) && !(Half >= Other)) || true;
if (Positive) {
    V *= exp(-(b + 1) / C);
} else if (V < (b + 1)) {
    V -= 1.f;
} else {
    ++V;
}
if (V > s.A[j]) {
    if (V > (b + 1)) {
        V = (b + 1);
    } else {
        V = s.A[j];
    }
}
switch (Count) {
    case 0:
        ;
    case 1:
        V += 1.0f;
        break;
    case 2:
        {
            V += 2.0f;
        }
    default:
        V += C;
}
do {
    V = V + 1;
    if (V > 2.0f) {
        continue;
    }
    V += .5e1f;
} while ((V < 3.0f) && (V > -9.0f));
while (true) {
    V -= 1.0f, Count++;
    if (Count > 9) {
        break;
    }
}
for (; ; ) {
    break;
}
{
    scalar Count = V;
    V = (scalar)((int)Count);
}
V = (s.A[j] * V) + W - (s.A[j] - (b + 1)) - (C * 4.0f / 5.0f * (s.A[j] / 7.0f));"""


def test_what_a_snippet_uses_and_changes():
    snippet = parse_statements(EVERYTHING)
    assert snippet.text == EVERYTHING
    assert snippet.names == {"A", "B", "C", "V", "W"}
    assert snippet.functions == {"exp", "fmax"}
    assert snippet.assigned == {"V"}
    assert snippet.declared == ("Half", "Other", "Count", "K", "L", "Positive")


def test_rendering_with_other_names_and_in_single_precision():
    snippet = parse_statements(EVERYTHING)
    names = {"A": "s.A[j]", "B": "b + 1", "Half": "none", "max": "none"}
    written = snippet.render(names, single_precision=True, calls={"fmax": "std::fmax"})
    assert written == WRITTEN
    assert parse_statements("").render() == parse_statements("// nothing\n;").render() == ""
    assert parse_expression("V >= A + 1.0 // so\n").render() == "V >= (A + 1.0)"
    injected = parse_statements("injectCurrent(Kappa * X);")
    assert injected.render(calls={"injectCurrent": "Injected += "}) == "Injected += (Kappa * X);"


def test_locals_keep_their_names_and_end_with_their_block():
    snippet = parse_statements("{ scalar X = A; V = X; } V += X;")
    assert snippet.names == {"A", "V", "X"}
    assert snippet.render({"X": "Y"}) == "{\n    scalar X = A;\n    V = X;\n}\nV += Y;"
    loop = parse_statements("for (int K = 0; K < N; K++) { V = K; } V = K;")
    assert loop.render({"K": "L"}).endswith("V = K;\n}\nV = L;")


def test_snippets_are_values():
    snippet = parse_statements("V = A;")
    assert parse_statements("V = A;") is snippet
    assert {pickle.loads(pickle.dumps(snippet))} == {snippet}
    assert snippet != parse_statements("V = B;")
    with pytest.raises(AttributeError):
        snippet.text = ""


def written_again(snippet: Snippet) -> Snippet:
    parse = parse_statements if snippet.text.strip()[-1] in ";}" else parse_expression
    return parse(snippet.render())


#: By the type of their variables; separated by two spaces or a new line.
EXPRESSIONS = {
    "scalar": """
        A - B - C  A - (B - C)  A / B / C  A / (B / C)  A * (B / C)  (int)A * (int)B % 7  -A * B
        -(A * B)  - -A  -(-A) - -B  !A + B  !(A + B)  !(A && B) || C  A || B && C  (A || B) && C
        A < B < C  A < (B < C)  A == B != C  A == (B != C)  A ? B : C ? A : B
        (A ? B : C) ? A : B  A ? B ? A : C : B  A + (B ? C : A)  A + B ? C : A
        exp(-A) * (B, C)  fmax(A, (B, C))  (scalar)(int)A / B  (int)A / 2 * 3.0  ((A))
        A + B * C - A / B * C  1e3 * .5 - 1. / 3.0e-2  (A > B) + (A >= B) * 2  -(int)A + +B
        !-A  (bool)A + true - false
    """,
    "unsigned": """
        A + B << 1  A + (B << 1)  A << 1 >> 2  A & B == C  (A & B) == C  A | B ^ C & A
        (A | B) ^ C  ~A + B  ~(A + B)  -A % 5 * B  A % (5 * B + 1)  A++ - B--  ++A - --B  -A++
        (A = B) + C  A = B = C + 1  A += B *= C  A -= B, C + A  A ^= B <<= 1  A |= (B &= C)
        A * (B + C) - 1 - 2 - (3 - A)
    """,
}


def random_text(rng: random.Random, operators: list[str], depth: int) -> str:
    """Whatever C makes of operands and operators in a row, with parentheses here and there."""

    def operand() -> str:
        return random_text(rng, operators, depth - 1)

    kind = rng.randrange(8) if depth else 7
    if kind < 4:
        return f"{operand()} {rng.choice(operators)} {operand()}"
    if kind == 4:
        return f"{rng.choice(['-', '!', '+'])} {operand()}"
    if kind == 5:
        return f"{operand()} ? {operand()} : {operand()}"
    return f"({operand()})" if kind == 6 else rng.choice(["A", "B", "C", "2"])


def expressions(kind: str) -> list[str]:
    """Those above and random ones."""
    rng = random.Random(1)
    only = "/" if kind == "scalar" else "& | ^"
    operators = f"+ - * + - * {only} < > <= >= == != && ||".split()
    listed = re.split(r"  +|\n", EXPRESSIONS[kind].strip())
    return [text for text in listed if text] + [random_text(rng, operators, 5) for _ in range(100)]


@pytest.mark.parametrize("kind", ["scalar", "unsigned"])
def test_what_was_written_reads_the_same(kind):
    for text in expressions(kind):
        snippet = parse_statements(f"R = {text};")
        again = written_again(snippet)
        assert again.render() == snippet.render()
        assert again._pieces == snippet._pieces
    snippet = parse_statements(EVERYTHING)
    assert written_again(snippet)._pieces == snippet._pieces


COMPARISON = """
#include <cmath>
#include <cstring>
using scalar = double;
using std::exp;
using std::fmax;
%s
extern "C" __attribute__((visibility("default"))) int first_difference() {
    const double values[] = {-2.5, -1.0, 0.0, 0.1, 1.0, 3.0, 1e9};
%s
    return -1;
}
"""

COMPARE = """
    for (const double a : values) for (const double b : values) for (const double c : values) {
        const auto x = written%d(%s), y = rendered%d(%s);
        if (std::memcmp(&x, &y, sizeof x) != 0 && !(x != x && y != y)) return %d;
    }
"""


def test_compilers_compute_the_same_bits():
    cases = [(kind, f"R = {text};") for kind in EXPRESSIONS for text in expressions(kind)]
    cases.append(("scalar", f"scalar V = A, W = B;{EVERYTHING}R = V;"))
    functions, comparisons = [], []
    for index, (kind, text) in enumerate(cases):
        arguments = ", ".join(f"{kind} {name}" for name in "ABC")
        for name, code in (("written", text), ("rendered", parse_statements(text).render())):
            head = f"static {kind} {name}{index}({arguments})"
            functions.append(f"{head} {{ {kind} R = 0; {code}\nreturn R; }}")
        values = "a, b, c" if kind == "scalar" else "int(a + 5), int(b + 5), int(c + 5)"
        comparisons.append(COMPARE % (index, values, index, values, index))
    library = load(build(COMPARISON % ("\n".join(functions), "".join(comparisons)), "snippets"))
    first = library.first_difference()
    assert first == -1, cases[first]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V = A", "^';' or a bracket is missing.*docs/models.md.*: 'V = A'$"),
        ("if (V) { V = A;", "^';' or a bracket is missing"),
        ("V = ((A);", "^line 1, column 9: unexpected ';'"),
        ("V = A; }", "';' or a bracket|unexpected '}'"),
        ("V = A; } void g(void) { V = A;", "^unexpected '}'"),
        ("V = A;\n  V = A[0];", r"^line 2, column 7: an array is not .*: 'V = A\[0\];'$"),
        ("/* a\n b */ V = *A;", r"^line 2, column 1[12]: the operator '\*' is not allowed here"),
        ("V = &A;", "column 6: the operator '&' is not"),
        ("V = sizeof(A);", "the operator 'sizeof' is not"),
        ("scalar *X = A;", "column 9: a pointer is not|column 8: a pointer is not"),
        ("scalar X[3];", "an array is not"),
        ("V = (int *)A;", "a pointer is not"),
        ("V = A.x;", "the member of a struct is not"),
        ("V = A->x;", "the member of a struct is not"),
        ("struct S { int X; } Y;", "struct is not"),
        ("union S { int X; } Y;", "union is not"),
        ("enum S { X } Y;", "enum is not"),
        ("typedef int T;", "typedef is not"),
        ("int F(int);", "the declaration of a function is not"),
        ("int F(int X) { V = X; }", "line 1, column"),
        ("(*F)(A);", "funccall is not"),
        ("goto X;", "goto is not"),
        ("X: V = A;", "label is not"),
        ("return;", "return is not"),
        ('asm("nop");', 'the constant "nop" is not'),
        ("V = 'a';", "the constant 'a' is not"),
        ("V = 010;", "the constant 010 is not"),
        ("V = 0x1F;", "the constant 0x1F is not"),
        ("V = 1u;", "the constant 1u is not"),
        ("V = 1.0L;", "the constant 1.0L is not"),
        ("double X = A;", "the type 'double' is not"),
        ("long X = A;", "the type 'long' is not"),
        ("int unsigned X = A;", "the type 'int unsigned' is not"),
        ("static int X = A;", "the type 'static int' is not"),
        ("volatile int X = A;", "the type 'volatile int' is not"),
        ("V = (double)A;", "the type 'double' is not"),
        ("int X = {1};", "initlist is not"),
        ("A + B = V;", "a change of anything but a variable is not|unexpected '='"),
        ("(V++)++;", "a change of anything but a variable is not"),
        ("const scalar X = A; X = 1.0;", "a change of 'X', which is const, is not"),
        ("scalar X = X;", "'X' in its own initial value is not"),
        ("int X; int X;", "a second 'X' in the same block is not"),
        ("break;", "break is not"),
        ("switch (A) { case 1: continue; }", "continue is not"),
        ("for (;;) { } break;", "break is not"),
        ("case 1: V = A;", "case is not"),
        ("V = A; /* to be continued", r"column 8: unexpected '/\*'"),
        ("#define A B\nV = A;", "unexpected '#'"),
        ("V = @;", "line 1, column 5: Illegal character '@'"),
        (f"V = {'A + ' * 5000}A;", "^too deeply nested"),
    ],
)
def test_what_is_not_of_the_language(text, message):
    with pytest.raises(ValueError, match=message):
        parse_statements(text)


@pytest.mark.parametrize(
    "text", ["V;", "V = 1.0", "V++", "V; V", "{ V; }", "scalar X = V", "if (V) V;", "", "// V"]
)
def test_what_is_not_an_expression(text):
    with pytest.raises(ValueError, match=r"should be an expression|is empty|is not allowed here"):
        parse_expression(text)


def test_an_expression_cannot_close_what_it_did_not_open():
    with pytest.raises(ValueError, match=r"line 1, column 2: unexpected '\)'"):
        parse_expression("A) + (B")
    assert parse_expression("A, B").render() == "(A, B)"
