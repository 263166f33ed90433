#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages and the programs say the same: each verb has its page, each option of --help is in it and the other
way round, each configuration key that a page gives is one, and mandoc finds nothing to complain of."""

import os
import re
import shutil
import subprocess
import sys

PROGRAMS = os.environ["BERTH_PROGRAMS"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = os.path.join(ROOT, "docs", "man")
# page: nouns of the one command line, and the program whose own options it tells
PAGE_OF = {
    "berth-factory.1": (["factory"], None),
    "berth-manifest.1": (["manifest"], None),
    "berth-voucher.1": (["voucher"], None),
    "berth-playbook.1": (["playbook"], None),
    "berth-masa.8": (["masa", "audit"], "berth-masa"),
    "berth-registrar.8": (["registrar", "device", "certificate", "audit", "dpp"], "berth-registrar"),
    "berth-gateway.8": ([], "berth-gateway"),
    "berth-device.8": ([], "berth-device"),
    "berth-mean.8": ([], "berth-mean"),
}
EVERYWHERE = {"help", "version"}  # berth(1) tells of these
DECIDING_ONLY = {"berth-masa.8"}  # tells the keys that decide most; the others tell all


def said(*arguments):
    run = subprocess.run([os.path.join(PROGRAMS, arguments[0]), *arguments[1:]], capture_output=True, text=True,
                         check=False)
    return run.stdout + run.stderr


def options_in_help(text):
    return set(re.findall(r"^  --([a-z-]+)", text, re.M)) - EVERYWHERE


def keys_in_help(text):
    return set(re.findall(r"^#?([a-z][a-z-]*) =", text, re.M))


def keys_in_page(text):
    part = text.partition(".Sh CONFIGURATION\n")[2].partition("\n.Sh ")[0]
    return {word for line in re.findall(r"^\.It (?:Cm|Ic) (.*)$", part, re.M)
            for word in re.findall(r"(?:^|, )([a-z][a-z-]+)", line.partition(" =")[0])}


def differ(what, helped, paged, faults):
    faults += ["%s: %s is in --help alone" % (what, word) for word in sorted(helped - paged)]
    faults += ["%s: %s is in the page alone" % (what, word) for word in sorted(paged - helped)]


def check_page(page, nouns, program, verbs, faults):
    with open(os.path.join(PAGES, page), encoding="utf-8") as f:
        text = f.read()
    helped = set()
    for noun, verb in verbs:
        if noun not in nouns:
            continue
        helped |= options_in_help(said("berth", "help", noun, *([verb] if verb else [])))
        if verb and not re.search(r"\b%s\b" % verb, text):
            faults.append("%s: berth %s %s is not in the page" % (page, noun, verb))
    if program:
        own = said(program, "--help")
        helped |= options_in_help(own)
        keys = keys_in_help(own)
        if keys:
            paged = keys_in_page(text)
            differ(page, keys & paged if page in DECIDING_ONLY else keys, paged, faults)
    differ(page, helped, set(re.findall(r"\bFl -([a-z-]+)", text)) - EVERYWHERE, faults)


def check_policy(faults):
    """No program prints the policy's keys, so its table of them is read."""
    with open(os.path.join(ROOT, "src", "policy", "policy_file.c"), encoding="utf-8") as f:
        table = set(re.findall(r'\.name = "([a-z.-]+)",\s*\.type', f.read()))
    with open(os.path.join(PAGES, "berth-policy.5"), encoding="utf-8") as f:
        lines = re.findall(r"^\.It Cm (.*)$", f.read(), re.M)
    paged = {word for line in lines for word in re.findall(r"(?:^|, )([a-z][a-z.-]+)", line.partition(" =")[0])}
    differ("berth-policy.5", table, paged, faults)


def main():
    # "  factory init   make a manufacturer ..." and "  playbook   run ..."
    verbs = [(noun, verb.strip()) for noun, verb in
             re.findall(r"^  ([a-z]+) ((?:[a-z-]+)?) {2,}\S", said("berth", "help"), re.M)]
    faults = []
    told = {noun for nouns, _ in PAGE_OF.values() for noun in nouns}
    faults += ["berth %s has no page" % noun for noun in sorted({noun for noun, _ in verbs} - told)]
    if len(verbs) < 20:
        faults.append("berth help lists %d verbs only" % len(verbs))
    for page, (nouns, program) in PAGE_OF.items():
        check_page(page, nouns, program, verbs, faults)
    check_policy(faults)
    mandoc = shutil.which("mandoc")
    for page in sorted(os.listdir(PAGES)) if mandoc else []:
        if page[-1].isdigit():
            lint = subprocess.run([mandoc, "-T", "lint", "-W", "warning", os.path.join(PAGES, page)], capture_output=True,
                                  text=True, check=False)
            faults += lint.stdout.splitlines()
    print("\n".join(faults) or "ok: %d pages, %d verbs" % (len(PAGE_OF), len(verbs)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
