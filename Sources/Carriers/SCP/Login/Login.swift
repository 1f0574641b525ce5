internal import CSSH2
internal import Fabric
internal import Glibc
internal import SystemPackage

/// Shows the host one key after another until it lets the user in: those of the agent that are configured, the agent's
/// others, then those in files, as ssh does.
struct Login {
    let connection: SSHConnection
    let configuration: SCPCarrierConfiguration

    private var settings: SSHSettings { connection.settings }

    /// Returns when the user is logged in.
    func run() throws(SSHFailure) {
        guard try methods().contains("publickey") else {
            throw refusal(["the host lets nobody in by key"], remedy: "allow public keys in the host's sshd_config")
        }
        var notes: [String] = []
        if try useAgent(&notes) { return }
        if try useFiles(&notes) { return }
        if notes.isEmpty { notes = ["there is no key to show"] }
        throw refusal(
            notes, remedy: "name the right key with -i, or give it to the agent with ssh-add; check the user name")
    }

    /// What the host would accept. Asking is an attempt to log in without anything, which succeeds where nothing is needed.
    private func methods() throws(SSHFailure) -> [String] {
        let user = settings.user
        var list: UnsafeMutablePointer<CChar>?
        try connection.call("logging in") { () -> Int32 in
            list = libssh2_userauth_list(connection.session, user, UInt32(user.utf8.count))
            if list != nil || libssh2_userauth_authenticated(connection.session) != 0 { return 0 }
            return libssh2_session_last_errno(connection.session)
        }
        return list.map { String(cString: $0).split(separator: ",").map(String.init) } ?? ["publickey"]
    }

    private func useAgent(_ notes: inout [String]) throws(SSHFailure) -> Bool {
        if libssh2_userauth_authenticated(connection.session) != 0 { return true }
        let path = settings.agentSocket ?? getenv("SSH_AUTH_SOCK").map { String(cString: $0) } ?? ""
        guard !path.isEmpty, let agent = AgentConnection(path: path, patience: connection.patience) else {
            return false
        }
        let held = agent.keys()
        let configured = settings.identityFiles.compactMap { KeyFile.publicKey(beside: $0) }
        let chosen =
            configured.filter(held.contains) + (settings.identitiesOnly ? [] : held.filter { !configured.contains($0) })
        for key in chosen {
            guard HostKey.usableTypes.contains(key.type) else {
                notes.append(Self.unusable("the agent's key \(key.fingerprint)", type: key.type))
                continue
            }
            let signer = Signer { agent.signature(by: key, over: $0) }
            if try signer.logIn(with: key, on: connection) { return true }
            let what = signer.wasAsked ? "the agent did not sign with" : "the host does not let in"
            notes.append("\(what) the agent's key \(key.fingerprint)")
        }
        return false
    }

    private func useFiles(_ notes: inout [String]) throws(SSHFailure) -> Bool {
        for path in settings.identityFiles {
            let file: KeyFile
            do throws(KeyFile.Unusable) {
                file = try KeyFile(path: path)
            } catch {
                // What is only there by default may be missing.
                let isAsked = configuration.identities.contains { $0.string == path }
                if error != .missing || isAsked { notes.append("'\(path)' \(error.text)") }
                continue
            }
            if try use(file, &notes) { return true }
        }
        return false
    }

    private func use(_ file: KeyFile, _ notes: inout [String]) throws(SSHFailure) -> Bool {
        if file.isRSA {
            notes.append(Self.unusable("'\(file.path)'", type: "ssh-rsa"))
            return false
        }
        if let type = file.publicKey?.type, !HostKey.usableTypes.contains(type) {
            notes.append(Self.unusable("'\(file.path)'", type: type))
            return false
        }
        if case .unsupported(let cipher) = file.protection {
            notes.append(
                "'\(file.path)' is encrypted with \(cipher), which libssh2 1.10 cannot read: give it to the agent with ssh-add, or encrypt it with 'ssh-keygen -p -Z aes256-ctr'"
            )
            return false
        }
        var passphrase: String?
        if file.protection == .passphrase {
            // Nobody is asked for the passphrase of a key that the host would not let in.
            if let key = file.publicKey, try !isWelcome(key) {
                notes.append("the host does not let in '\(file.path)'")
                return false
            }
            passphrase = configuration.passphrase?(file.path)
            if passphrase == nil {
                notes.append("'\(file.path)' needs a passphrase: give it to the agent with ssh-add")
                return false
            }
        }
        return try show(file, passphrase, &notes)
    }

    private func show(_ file: KeyFile, _ passphrase: String?, _ notes: inout [String]) throws(SSHFailure) -> Bool {
        let user = settings.user
        do throws(SSHFailure) {
            try connection.call("logging in") {
                libssh2_userauth_publickey_fromfile_ex(
                    connection.session, user, UInt32(user.utf8.count), nil, file.path, passphrase)
            }
            return true
        } catch {
            guard case .code(let code, _) = error else { throw error }
            switch code {
            case LIBSSH2_ERROR_FILE:
                notes.append(
                    passphrase == nil
                        ? "'\(file.path)' cannot be read by libssh2: give it to the agent with ssh-add"
                        : "the passphrase for '\(file.path)' is wrong")
            case LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
                notes.append("the host does not let in '\(file.path)'")
            default: throw attempts(error)
            }
            return false
        }
    }

    /// Whether the host would let in whoever has `key`.
    private func isWelcome(_ key: HostKey) throws(SSHFailure) -> Bool {
        let signer = Signer { _ in nil }
        _ = try signer.logIn(with: key, on: connection)
        return signer.wasAsked
    }

    /// A host that hangs up while keys are shown has seen too many.
    private func attempts(_ error: SSHFailure) -> SSHFailure {
        guard error.isLostConnection else { return error }
        return refusal(
            ["the host hung up while keys were shown, as it does after too many"],
            remedy: "name one key with -i, and set IdentitiesOnly for this host")
    }

    private func refusal(_ notes: [String], remedy: String) -> SSHFailure {
        .explained(
            CarrierError(
                .refused, .waitForPerson,
                "cannot log in to \(settings.knownName) as \(settings.user): \(notes.joined(separator: "; "))",
                remedy: remedy))
    }

    private static func unusable(_ what: String, type: String) -> String {
        type == "ssh-rsa"
            ? "\(what) is an RSA key, which libssh2 1.10 signs with SHA-1 and current servers refuse: use an ed25519 key"
            : "\(what) is of the type \(type), which libssh2 1.10 cannot sign with: use an ed25519 key"
    }
}

extension KeyFile.Unusable {
    fileprivate var text: String {
        switch self {
        case .missing: "is not there"
        case .unreadable: "cannot be read"
        case .noPrivateKey: "holds no private key"
        }
    }
}

/// Signs for libssh2 with a key that it does not have.
private final class Signer {
    private let sign: ([UInt8]) -> [UInt8]?
    /// Whether a signature was asked for, which a host does only for a key that it lets in.
    private(set) var wasAsked = false

    init(_ sign: @escaping ([UInt8]) -> [UInt8]?) { self.sign = sign }

    func logIn(with key: HostKey, on connection: SSHConnection) throws(SSHFailure) -> Bool {
        let user = connection.settings.user
        var context: UnsafeMutableRawPointer? = Unmanaged.passUnretained(self).toOpaque()
        do throws(SSHFailure) {
            // Held for as long as libssh2 may come back to it.
            try withExtendedLifetime(self) { () throws(SSHFailure) in
                _ = try connection.call("logging in") {
                    libssh2_userauth_publickey(
                        connection.session, user, key.blob, key.blob.count, signature, &context)
                }
            }
            return true
        } catch {
            guard case .code(let code, _) = error, !error.isLostConnection else { throw error }
            let refusals = [LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED]
            guard refusals.contains(code) || wasAsked else { throw error }
            return false
        }
    }

    fileprivate func answer(_ data: [UInt8]) -> [UInt8]? {
        wasAsked = true
        return sign(data)
    }
}

/// What libssh2 calls for a signature. It frees what it gets.
private func signature(
    _ session: OpaquePointer?, _ signature: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
    _ length: UnsafeMutablePointer<Int>?, _ data: UnsafePointer<UInt8>?, _ count: Int,
    _ abstract: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> Int32 {
    guard let context = abstract?.pointee, let signature, let length else { return -1 }
    let signer = Unmanaged<Signer>.fromOpaque(context).takeUnretainedValue()
    guard let bytes = signer.answer(Array(UnsafeBufferPointer(start: data, count: count))),
        let copy = malloc(max(1, bytes.count))
    else { return -1 }
    for (index, byte) in bytes.enumerated() { copy.storeBytes(of: byte, toByteOffset: index, as: UInt8.self) }
    signature.pointee = copy.assumingMemoryBound(to: UInt8.self)
    length.pointee = bytes.count
    return 0
}
