"""Lists every requirement that the tests prove, by id; a test checks the list both ways."""

from __future__ import annotations

from typing import Final

HOUSE: Final = {
    "house.requirements": "Every requirement has a test and every test names a requirement.",
    "house.setup": "A fresh machine's newest Python that runs is found, shims and all.",
    "house.artifacts": "Wheel, sdist, editable install and checkout all find the manifests.",
    "house.pins": "What is installed is pinned to the byte, and what is shown is what is tested.",
    "house.portable": "No file names a registry or a path of a machine.",
    "house.shape": "Modules and functions stay short; one module a package reads the environment.",
    "house.contracts": "The import contracts hold, and each of them catches a violation.",
    "house.readme": "The README's examples run as they stand.",
    "house.documents": "The README's tables, links and layout are those of the code.",
}

MANIFEST: Final[dict[str, str]] = {
    "manifest.catalogue": "The manifest holds exactly the 57 actions of the host's catalogue.",
    "manifest.check": "Each fault of a manifest is found, with file, action, field and advice.",
    "manifest.format": "Laying a manifest out changes how it looks and never what it says.",
    "manifest.loading": "A manifest loads as it stands, and a broken file is named.",
    "manifest.size": "The manifest stays short enough for a person and for a model.",
    "manifest.table": "The table of actions is that of the manifest.",
}

VAULT: Final[dict[str, str]] = {
    "vault.key.environment": "A key in a variable is used, or refused by the variable's name.",
    "vault.key.keyring": "Only a named, safe keyring of the system keeps a key, and keeps it.",
    "vault.key.kms": "A key in AWS KMS wraps and unwraps, bound to a context.",
    "vault.key.limits": "A key service that is down, silent or slow is an error within the limit.",
    "vault.key.passphrase": "Argon2id makes a key of a passphrase, within bounds both ways.",
    "vault.key.schemes": "A URI names the key's provider, and loads no package but its own.",
    "vault.key.silence": "No provider shows a secret, and none trusts the network's environment.",
    "vault.key.transit": "A key in a transit engine wraps and unwraps, bound to a context.",
    "vault.anchor": "What was decided is remembered outside the database, and an older one is refused.",
    "vault.backup": "A backup is whole while the vault is in use, private, and holds no key.",
    "vault.restore": "A restore is checked, atomic and logged, and brings nothing back to life.",
    "vault.verify": "The check of the vault finds what is altered, put back, added or gone.",
    "vault.cipher": "A message opens under its own key, in its own place, and nowhere else.",
    "vault.encoding": "No two rows of values share the bytes that stand for them.",
    "vault.files": "The vault's files are private, appear whole, and are never overwritten.",
    "vault.fork": "No handle of the vault survives a fork.",
    "vault.fence": "Once the fence was cleared, nobody acts on a look taken before.",
    "vault.full_disk": "A full disk is a named error, loses nothing, and passes.",
    "vault.key_file": "A key file is used only if private and whole, and made by creating alone.",
    "vault.keys": "A key stays under the key above it, in its own place; a wrong one is named.",
<<<<<<< HEAD
    "vault.kill": "A killed process leaves a vault that opens and verifies, with all that was told.",
    "keys.turning": "The vault's own keys are replaced while it is in use, and nobody notices.",
    "keys.kek": "A vault goes over to another key of a provider, and opens all the time.",
    "keys.trust": "What a provider unwrapped counts for a time, and leaves no trace after it.",
    "keys.status": "The vault says what hangs on each key, what is open, and what is due.",
=======
    "vault.kill": "A killed process leaves a vault that opens, verifies and holds what was told.",
>>>>>>> main
    "vault.records": "A record is what the vault wrote last, or an error.",
    "vault.secret": "A secret is not printed, compared, copied, pickled or dumped, and is wiped.",
    "vault.secrets": "A stored secret opens in its current version, until it is destroyed.",
    "vault.store": "A damaged, newer or locked database is told by a named error.",
    "vault.two_processes": "Processes share one vault, and none waits for ever.",
    "vault.writing": "Writes of many callers commit together, and each stands or falls alone.",
    "threat.1": "A ciphertext or key swapped or altered is refused, naming the row.",
    "threat.2": "A row put back or taken out is refused by what the log holds.",
    "threat.3": "An edited record is refused on its next use.",
    "rotation.machine": "A secret is replaced by one that answers as the same account, or stays.",
    "rotation.lease": "One process rotates a secret at a time; one that was overtaken stops.",
    "threat.4": "A flipped bit is a named error or changes nothing, and never passes the check.",
    "threat.7": "Randomness that repeats repeats no message key, and a version is written once.",
    "threat.10": "A rotation killed at any step ends with one secret in use that is accepted.",
    "threat.11": "Many processes rotate once, and a holder that wakes too late changes nothing.",
    "threat.12": "A candidate that is refused, or another account's, never comes into use.",
    "threat.33": "A clock that jumps loses no key, no order and no lease.",
    "threat.15": "A disk that is full, read-only or locked is named at every step, and loses nothing.",
    "threat.16": "A log or anchor that hangs, goes or is swapped is noticed at the next use.",
    "threat.22": "An older database is refused, or restored with all that was revoked still revoked.",
    "threat.8": "A wrong, missing or open key is told by name at each stage, and nothing is written.",
    "threat.9": "A provider that is down stops calls once its time is over; each has its entry.",
    "threat.14": "A rotation of keys that is killed is finished by the next; all is read meanwhile.",
    "threat.17": "A cut, swapped, copied or edited row of the log is found where it is.",
    "threat.18": "A line of rows rebuilt without the key, or of another vault, is refused.",
}

LOG: Final[dict[str, str]] = {
    "log.chain": "A row of the log is bound to all rows before it.",
    "log.claim": "One operation has one intent, whoever tries at once.",
    "log.clock": "The order of the log is by number, whatever the clock does.",
    "log.degraded": "A degraded vault takes no intents until it is reopened.",
    "log.rows": "A row of the log is read as it was written, and an intent has one outcome.",
    "log.sealed": "A payload is sealed for its user and month, and opens in its own row.",
    "log.search": "A search finds what a walk along the log finds, without walking.",
    "log.verify": "The check of the log counts, names faults and lists open intents.",
}

ENGINE: Final[dict[str, str]] = {
    "engine.arguments": "All faults of a call are told at once, by path, and no value is echoed.",
    "engine.request": "A request is pure data: exact numbers, names on the wire, quoted paths.",
    "engine.reading": "Answers are read leniently: drift is a warning, and nothing ever raises.",
    "engine.errors": "Each status and phase has its kind, its words and its `retryable`.",
    "engine.retries": "Only what cannot be done twice is sent again, after a wait that is bounded.",
    "engine.paging": "Page and limit are honoured exactly, and no service is followed for ever.",
    "engine.shaping": "A result holds the named fields, and stays valid JSON below its cap.",
    "engine.order": "The intent is in the log before anything is sent, or nothing is sent.",
    "engine.identity": "A call that does not say who, why and through what is refused and logged.",
    "engine.denied": "Nothing is allowed without a grant; a refusal tells a stranger nothing.",
    "engine.replay": "An operation is done once; a repeat gets the first result or is refused.",
    "engine.cancel": "A host that leaves in the middle leaves the truth in the log.",
    "engine.degraded": "An outcome that cannot be written stops new calls and is called unknown.",
    "engine.connect": "An account is tested before it is saved, and shows whose it is.",
    "engine.grants": "A grant names known scopes and says which actions a persona sees.",
    "rotation.keys": "The key of a connection is replaced by one of the same account, or kept.",
    "rotation.no_gap": "No call fails because its key is being replaced.",
    "threat.32": "A call that meets a rotation tries the new secret once, and never in a loop.",
    "engine.revoke": "After a revoke no send starts, be it a retry, a page or a reread.",
    "engine.sync": "Callers without a loop get the same results, from many threads at once.",
    "engine.preview": "A preview shows the exact request and sends nothing but reads that count.",
    "engine.log": "The log joins each call with its outcome and finds it by every filter.",
    "engine.settings": "Each limit has unit, default, reason and range, and is read once.",
    "engine.state": "A state is set up once, opened with its key, and its faults are named.",
    "engine.second_service": "Another manifest is another service: nothing in the call knows one.",
    "engine.public": "The public names are there, and importing the package is cheap.",
}

TRANSPORT: Final[dict[str, str]] = {
    "transport.target": "Only plain labels and loopback are taken: at save, send and connect.",
    "transport.scrub": "The secret is taken out of answers in every spelling, and nothing else is.",
    "transport.redirects": "Redirects are not followed; the error names the host and no more.",
    "transport.once": "One send is one send, and what may have been sent is never called unsent.",
    "transport.limits": "An answer is read up to a size and in a time, and no longer.",
    "transport.environment": "Proxies, certificates and key logs of the environment do nothing.",
    "transport.no_trace": "No error, log line or traceback holds the secret.",
}

SANDBOX: Final[dict[str, str]] = {
    "sandbox.account": "The same seed makes the same account, of a size that fills its pages.",
    "sandbox.cascades": "A deletion takes along what belongs to it, and leaves the rest in order.",
    "sandbox.control": "People set faults and see what was asked and done, with the key only.",
    "sandbox.faults": "Every kind of fault is seen by a real client, when and as often as set.",
    "sandbox.http": "The simulated Clientary authenticates, wraps and refuses as the API does.",
    "sandbox.invoices": "Invoices add up, number, settle and go out as the API's do.",
    "sandbox.keys": "An account has several keys; each can be revoked, or be another account's.",
    "sandbox.lists": "Lists have the API's envelopes, page sizes, filters and orders.",
    "sandbox.records": "Each record is made, read and changed with the API's fields and rules.",
}

CLI: Final[dict[str, str]] = {
    "cli.arguments": "An argument on the command line is read by the type that its schema names.",
    "cli.batch": "A batch answers each line in order, in bounded memory; a bad one fails alone.",
    "cli.call": "A call takes its arguments from options and JSON, and may be shown but not sent.",
    "cli.commands": "Every command works as a person uses it, against real HTTP.",
    "cli.demo": "The demo does the main job before the user's eyes, and its suggestions work.",
    "cli.errors": "What is wrong is said in words, with what to do, and never with a traceback.",
    "cli.json": "JSON from a person is read exactly, and its faults are named by line and column.",
    "cli.output": "With -o json, stdout is one JSON document; all else goes to stderr.",
    "cli.revoke": "A revoke asks first on a terminal, and elsewhere needs --yes.",
    "cli.rotate": "A key is replaced at the command line step by step, and the timer is quiet.",
    "cli.secret": "The API key is never an argument, and never on the screen.",
    "cli.status": "The exit status tells succeeded, failed, bad usage, refused and unknown apart.",
    "cli.terminal": "Text from elsewhere is shown and never obeyed; colour is for terminals.",
}

PROOF: Final = {
    "proof.rows": "Each of the 57, and each of its arguments, has a hand-written expected request.",
    "proof.wire": "Method, path, query and body over real HTTP are those of the API reference.",
    "proof.headers": "Each request carries Basic auth, asks for JSON, and types only a body.",
    "proof.output": "Each result fits the action's output schema, by an independent checker.",
    "proof.read_back": "What an action wrote is what the account then holds.",
    "proof.money": "Money goes out and comes back without the loss of a digit.",
    "proof.alias": "An action answers to its name of the older catalogue.",
    "proof.pages": "Pages are followed until exactly the records asked for are there.",
    "proof.log": "Each call is logged with user, persona, prompt, arguments, request and response.",
    "proof.faults": "Under each fault each action ends as the rules say.",
    "proof.one_entry": "Each call has exactly one log entry, whatever happens.",
    "proof.once": "No write is done twice, whatever happens.",
    "proof.no_trace": "No form of the key is found in results, errors, logs, files or tracebacks.",
    "proof.two_processes": "Two processes work on one state directory at once.",
    "proof.kill": "A kill at any moment loses neither a write that was sent nor an outcome told.",
    "proof.revoke": "A revoke in one process stops the next send in every other.",
    "proof.cancel": "A write that its host cancels is logged as unknown and never sent again.",
    "proof.batch": "Calls at once do not touch each other, and one operation is done once.",
}

REQUIREMENTS: Final = {
    **HOUSE,
    **MANIFEST,
    **VAULT,
    **LOG,
    **ENGINE,
    **TRANSPORT,
    **SANDBOX,
    **CLI,
    **PROOF,
}
