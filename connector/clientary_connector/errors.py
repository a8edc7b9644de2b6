"""Names what can stop the connector outside a call, grouped by who has to act.

    ConnectorError
    ├── CallerError               the caller asked for something that cannot be
    │   ├── UnknownActionError        no such action
    │   ├── UnknownScopeError         no such scope
    │   ├── ConditionError            a condition cannot be read, or can be said of no action
    │   ├── UnknownConnectionError    no such connection
    │   ├── UnknownGrantError         the persona holds no such grant
    │   ├── UnknownApprovalError      no such approval
    │   ├── UnknownUserError          no such user of the console
    │   ├── UnknownTokenError         no such token
    │   ├── TokenRefusedError         a token that was shown lets nobody in
    │   ├── ApprovalEndedError        the approval cannot be decided any more
    │   ├── ApprovalDecidedError      somebody has decided since the approval was seen
    │   ├── UnknownEntryError         no such line in the log
    │   ├── ReadRefusedError          the host does not let this user read what is sealed
    │   ├── SettleError               there is nothing to settle about a call
    │   ├── GrantFileError            a file of grants cannot be read
    │   ├── GrantsChangedError        a grant was changed since the difference was shown
    │   ├── InvalidValueError         a name, subdomain, address or secret that cannot be used
    │   ├── NameTakenError            a connection or user of that name exists
    │   ├── ContractError             the host was written for another contract
    │   └── ClosedError               the connector was closed
    ├── OperatorError             whoever runs the connector has to mend something
    │   ├── SettingsError             an environment variable or limit makes no sense
    │   ├── ManifestError             a manifest cannot be used
    │   ├── StateMissingError         nothing was set up yet
    │   ├── StateExistsError          it was set up before
    │   ├── StateLockedError          the vault's key is missing, wrong or open to others
    │   ├── StateIntegrityError       something in the state was changed from outside
    │   ├── StateUnavailableError     the state cannot be read or written now
    │   └── RotationError             a rotation cannot go on now
    └── ServiceError              the service said no, or could not be reached
        ├── ConnectError              an account could not be connected
        └── LookUpError               a change could not be looked up

A call itself never raises these: its `Result` carries a `CallError` of the same kind.
Messages can be shown to anyone: no secret, no body, no stack.
"""

from __future__ import annotations

from clientary_connector.call.result import CallError, ErrorKind


class ConnectorError(Exception):
    """Stops the connector; `kind` is what a call would report."""

    kind: ErrorKind = ErrorKind.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Takes what happened and, in `hint`, what to do."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class CallerError(ConnectorError):
    """The caller asked for something that cannot be."""

    kind = ErrorKind.INVALID_ARGUMENTS


class UnknownActionError(CallerError):
    """No action has this id or alias."""

    def __init__(self, name: str, *, suggestions: tuple[str, ...] = ()) -> None:
        """Takes the name asked for and those that come close."""
        near = f"Did you mean {' or '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"There is no action {name!r}.", hint=near)
        self.name = name
        self.suggestions = suggestions


class UnknownScopeError(CallerError):
    """No action has this scope."""

    def __init__(self, name: str, *, suggestions: tuple[str, ...] = ()) -> None:
        """Takes the scope asked for and those that come close."""
        near = f"Did you mean {' or '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"There is no scope {name!r}.", hint=near)
        self.name = name
        self.suggestions = suggestions


class ConditionError(CallerError):
    """A condition cannot be read, or names or compares what no action of the grant has."""


class UnknownConnectionError(CallerError):
    """No connection has this name or id."""

    kind = ErrorKind.DENIED


class UnknownGrantError(CallerError):
    """The persona holds no grant over this connection."""

    kind = ErrorKind.DENIED


class UnknownApprovalError(CallerError):
    """No approval has this id."""

    kind = ErrorKind.NOT_FOUND


class UnknownUserError(CallerError):
    """No user of the console has this name."""

    kind = ErrorKind.NOT_FOUND


class UnknownTokenError(CallerError):
    """No token has this id, or it was revoked before."""

    kind = ErrorKind.NOT_FOUND


class TokenRefusedError(CallerError):
    """A token that a program has shown lets nobody in: wrong, revoked or over."""

    kind = ErrorKind.DENIED

    def __init__(self, message: str, *, token: str | None = None) -> None:
        """Takes why, and the id of the token where there is one."""
        super().__init__(message, hint="Have a new token made.")
        self.token = token


class ApprovalEndedError(CallerError):
    """The approval was used, is over, or what it was asked under has changed."""

    kind = ErrorKind.DENIED


class ApprovalDecidedError(CallerError):
    """Somebody has decided the approval since it was seen; nothing was changed."""

    kind = ErrorKind.DENIED


class UnknownEntryError(CallerError):
    """The log has no entry of this id."""

    kind = ErrorKind.NOT_FOUND


class SettleError(CallerError):
    """There is nothing to settle about a call: its end is known, or it has not come yet."""


class GrantFileError(CallerError):
    """A file of grants cannot be read; each fault is told with its line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """Takes the faults, in the order of the file."""
        super().__init__("The file of grants cannot be used:\n" + "\n".join(faults))
        self.faults = faults


class GrantsChangedError(CallerError):
    """A grant was changed since the difference was shown."""


class ReadRefusedError(CallerError):
    """The host does not let this user read what is sealed in the log."""

    kind = ErrorKind.DENIED


class InvalidValueError(CallerError):
    """A name, subdomain, address or secret cannot be used."""


class NameTakenError(CallerError):
    """A connection, or a user, of this name exists already."""


class ContractError(CallerError):
    """The host was written for another contract than this plugin's."""

    kind = ErrorKind.INTERNAL


class ClosedError(CallerError):
    """The connector was closed."""

    kind = ErrorKind.INTERNAL


class OperatorError(ConnectorError):
    """Whoever runs the connector has to mend something."""


class SettingsError(OperatorError):
    """An environment variable or a limit makes no sense."""


class ManifestError(OperatorError):
    """A manifest cannot be used."""


class StateMissingError(OperatorError):
    """Nothing was set up in this state directory yet."""

    kind = ErrorKind.VAULT_LOCKED


class StateExistsError(OperatorError):
    """This state directory was set up before."""


class StateLockedError(OperatorError):
    """The vault's key is missing, wrong or open to others."""

    kind = ErrorKind.VAULT_LOCKED


class StateIntegrityError(OperatorError):
    """Something in the state was changed from outside."""

    kind = ErrorKind.INTEGRITY


class StateUnavailableError(OperatorError):
    """The state cannot be read or written now."""


class RotationError(OperatorError):
    """A rotation cannot go on now: another one is open, or another process is at work."""


class ServiceError(ConnectorError):
    """The service said no, or could not be reached."""

    kind = ErrorKind.UPSTREAM_ERROR


class ConnectError(ServiceError):
    """An account could not be connected; nothing was saved."""

    def __init__(self, error: CallError) -> None:
        """Takes what the test call came to."""
        super().__init__(error.message, hint=error.hint)
        self.error = error
        self.kind = error.kind


class LookUpError(ServiceError):
    """A change could not be looked up, so it stays unsettled."""
