internal import CSSH2
internal import Fabric

/// What each of libssh2's codes, and each status of SFTP, means for a delivery: the one table, keyed by code and never by
/// message. A test walks all of them.
struct SSHVerdict: Sendable {
    let kind: CarrierError.Kind
    let action: CarrierError.Remedy
    /// Why it failed, following "cannot deliver to …: ".
    let reason: String
    /// What a person can do.
    let remedy: String?

    init(_ kind: CarrierError.Kind, _ action: CarrierError.Remedy, _ reason: String, _ remedy: String? = nil) {
        self.kind = kind
        self.action = action
        self.reason = reason
        self.remedy = remedy
    }

    /// The verdict for one of libssh2's codes.
    static func of(_ code: Int32) -> SSHVerdict { codes[code] ?? surprise }

    /// The verdict for a status of SFTP (draft-ietf-secsh-filexfer-13, section 9.1).
    static func of(status: UInt) -> SSHVerdict { statuses[status] ?? surprise }

    /// For codes of a libssh2 or a server newer than these tables: nothing is known, so another way is tried.
    static let surprise = SSHVerdict(
        .corrupted, .tryNextRoute, "something happened that this carrier does not know",
        "report this, with the versions of libssh2 and of the far side")

    private static let network = SSHVerdict(.unreachable, .retry(after: nil), "the connection broke")
    private static let garbage = SSHVerdict(
        .corrupted, .tryNextRoute, "what answered does not keep to the SSH protocol", "check the host and the port")
    private static let crypto = SSHVerdict(
        .corrupted, .retry(after: nil), "what came over the connection cannot be decrypted or was changed on the way")
    private static let ourFault = SSHVerdict(
        .misconfigured, .waitForPerson, "libssh2 on this machine cannot do what is needed",
        "check that libssh2 1.10 or later is installed")
    private static let login = SSHVerdict(
        .refused, .waitForPerson, "the far side refused the login", "check the user, and which key it lets in")
    private static let channel = SSHVerdict(
        .refused, .tryNextRoute, "the far side does not let this user do that",
        "allow SFTP, or commands, for this user at the far side")
    private static let memory = SSHVerdict(.throttled, .retry(after: nil), "this machine has no memory left")

    static let codes: [Int32: SSHVerdict] = {
        var table: [Int32: SSHVerdict] = [:]
        func set(_ verdict: SSHVerdict, _ codes: Int32...) { for code in codes { table[code] = verdict } }
        set(network, LIBSSH2_ERROR_SOCKET_NONE, LIBSSH2_ERROR_SOCKET_SEND, LIBSSH2_ERROR_SOCKET_RECV)
        set(network, LIBSSH2_ERROR_SOCKET_DISCONNECT, LIBSSH2_ERROR_CHANNEL_CLOSED, LIBSSH2_ERROR_CHANNEL_EOF_SENT)
        set(network, LIBSSH2_ERROR_BANNER_SEND)
        set(
            SSHVerdict(
                .unreachable, .retry(after: nil), "what answered did not introduce itself as an SSH server",
                "check the port; a server that is overloaded does this too"), LIBSSH2_ERROR_BANNER_RECV)
        set(
            SSHVerdict(
                .misconfigured, .waitForPerson, "no algorithms could be agreed on",
                "libssh2 1.10 needs an ed25519 or ECDSA host key, AES in counter mode, and HMAC-SHA-2 at the far side"),
            LIBSSH2_ERROR_KEX_FAILURE, LIBSSH2_ERROR_METHOD_NONE)
        set(crypto, LIBSSH2_ERROR_INVALID_MAC, LIBSSH2_ERROR_DECRYPT, LIBSSH2_ERROR_ZLIB, LIBSSH2_ERROR_COMPRESS)
        set(
            SSHVerdict(
                .hostKeyChanged, .waitForPerson, "the far side could not prove that it has the key that it showed",
                "somebody may be listening in; ask the host's owner"),
            LIBSSH2_ERROR_HOSTKEY_INIT, LIBSSH2_ERROR_HOSTKEY_SIGN)
        set(garbage, LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE, LIBSSH2_ERROR_PROTO, LIBSSH2_ERROR_CHANNEL_OUTOFORDER)
        set(garbage, LIBSSH2_ERROR_CHANNEL_UNKNOWN, LIBSSH2_ERROR_CHANNEL_WINDOW_EXCEEDED, LIBSSH2_ERROR_SFTP_PROTOCOL)
        set(garbage, LIBSSH2_ERROR_CHANNEL_PACKET_EXCEEDED, LIBSSH2_ERROR_OUT_OF_BOUNDARY)
        set(garbage, LIBSSH2_ERROR_BUFFER_TOO_SMALL, LIBSSH2_ERROR_PUBLICKEY_PROTOCOL)
        set(login, LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
        set(login, LIBSSH2_ERROR_PASSWORD_EXPIRED, LIBSSH2_ERROR_AGENT_PROTOCOL, LIBSSH2_ERROR_KEYFILE_AUTH_FAILED)
        set(
            SSHVerdict(
                .misconfigured, .waitForPerson, "the key file cannot be used, or its passphrase is wrong",
                "check the passphrase, or give the key to the agent with ssh-add"), LIBSSH2_ERROR_FILE)
        set(channel, LIBSSH2_ERROR_CHANNEL_FAILURE, LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED, LIBSSH2_ERROR_REQUEST_DENIED)
        set(
            SSHVerdict(
                .refused, .tryNextRoute, "the far side's scp did not take the file",
                "check that the directory exists and may be written, and that scp is installed there"),
            LIBSSH2_ERROR_SCP_PROTOCOL)
        set(
            SSHVerdict(.stalled, .retry(after: nil), "the far side did not answer"),
            LIBSSH2_ERROR_TIMEOUT, LIBSSH2_ERROR_SOCKET_TIMEOUT, LIBSSH2_ERROR_EAGAIN,
            LIBSSH2_ERROR_CHANNEL_WINDOW_FULL)
        set(memory, LIBSSH2_ERROR_ALLOC)
        set(ourFault, LIBSSH2_ERROR_METHOD_NOT_SUPPORTED, LIBSSH2_ERROR_INVAL, LIBSSH2_ERROR_INVALID_POLL_TYPE)
        set(ourFault, LIBSSH2_ERROR_BAD_USE, LIBSSH2_ERROR_BAD_SOCKET, LIBSSH2_ERROR_ENCRYPT, LIBSSH2_ERROR_RANDGEN)
        set(ourFault, LIBSSH2_ERROR_KNOWN_HOSTS)
        return table
    }()

    static let statuses: [UInt: SSHVerdict] = {
        var table: [UInt: SSHVerdict] = [:]
        func set(_ verdict: SSHVerdict, _ statuses: Int32...) {
            for status in statuses { table[UInt(status)] = verdict }
        }
        let missing = SSHVerdict(
            .misconfigured, .tryNextRoute, "there is no such directory",
            "check the path; directories are not made, as a missing one is often a disk that is not mounted")
        let room = SSHVerdict(.full, .retry(after: nil), "the far side has no room", "free some space at the far side")
        let taken = SSHVerdict(.conflict, .tryNextRoute, "the name is taken by something that cannot stay beside it")
        let permission = SSHVerdict(
            .refused, .tryNextRoute, "permission denied", "let the user write in the directory at the far side")
        set(missing, 2, 10, 19)
        set(permission, 3, 12)
        set(SSHVerdict(.refused, .retry(after: nil), "the far side failed, and does not say why"), 4)
        set(garbage, 1, 5, 9)
        set(network, 6, 7)
        set(
            SSHVerdict(.refused, .tryNextRoute, "the far side's SFTP server does not know how", "send another way"), 8)
        set(taken, 11, 17, 18)
        set(SSHVerdict(.unreachable, .retry(after: nil), "the far side's disk is not there"), 13)
        set(room, 14, 15)
        set(SSHVerdict(.refused, .tryNextRoute, "the far side does not know the owner"), 16)
        set(
            SSHVerdict(.refused, .tryNextRoute, "the far side does not take the name", "send it under another name"), 20
        )
        set(SSHVerdict(.misconfigured, .tryNextRoute, "symbolic links lead in a circle", "check the path"), 21)
        return table
    }()
}
