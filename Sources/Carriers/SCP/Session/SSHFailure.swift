internal import CSSH2
internal import Fabric

/// Why something on a connection did not come about; becomes a `CarrierError` when it is known what for.
enum SSHFailure: Error {
    /// The caller cancelled.
    case cancelled
    /// Too little happened for too long.
    case stalled(during: String)
    /// libssh2 reported this code.
    case code(Int32, during: String)
    /// The SFTP server answered with this status.
    case status(UInt, during: String)
    /// All is said already.
    case explained(CarrierError)

    /// Whether the connection itself is gone, so that another might do better.
    var isLostConnection: Bool {
        guard case .code(let code, _) = self else { return false }
        let lost = [
            LIBSSH2_ERROR_SOCKET_SEND, LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_DISCONNECT,
            LIBSSH2_ERROR_CHANNEL_CLOSED, LIBSSH2_ERROR_CHANNEL_EOF_SENT,
        ]
        return lost.contains(code)
    }

    /// Whether it is the connection under all channels that is gone.
    var isLostTransport: Bool {
        guard case .code(let code, _) = self else { return false }
        return [LIBSSH2_ERROR_SOCKET_SEND, LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_DISCONNECT].contains(code)
    }

    /// What it means for a delivery along `route`.
    func error(along route: Route) -> CarrierError {
        let place = "cannot deliver to '\(route)'"
        switch self {
        case .cancelled:
            return CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(route)' was cancelled")
        case .stalled(let doing):
            return CarrierError(
                .stalled, .retry(after: nil), "\(place): the far side stalled while \(doing)",
                remedy: "check the network and the far side; it is tried again from where it stopped")
        case .code(let code, let doing):
            let verdict = SSHVerdict.of(code)
            return CarrierError(
                verdict.kind, verdict.action, "\(place): \(verdict.reason) while \(doing) (libssh2 error \(code))",
                remedy: verdict.remedy)
        case .status(let status, let doing):
            let verdict = SSHVerdict.of(status: status)
            return CarrierError(
                verdict.kind, verdict.action, "\(place): \(verdict.reason) while \(doing) (SFTP status \(status))",
                remedy: verdict.remedy)
        case .explained(let error): return error
        }
    }
}
