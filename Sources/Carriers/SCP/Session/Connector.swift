internal import CSSH2
internal import Fabric
internal import Glibc
internal import SystemPackage

/// Makes connections: reads the configuration, goes through proxies, checks the host, logs in. Blocks.
struct Connector {
    let configuration: SCPCarrierConfiguration

    /// A connection to the host of `address`, logged in.
    func connect(to address: SCPAddress, caller: CancellationFlag) throws(SSHFailure) -> SSHConnection {
        if let problem = tibet_ssh2_load() {
            throw .explained(
                CarrierError(
                    .misconfigured, .waitForPerson, "libssh2 cannot be loaded: \(String(cString: problem))",
                    remedy: "install libssh2 1.10 or later (libssh2-1)"))
        }
        let settings = try explained { () throws(CarrierError) in
            try SettingsQuery(configuration: configuration).settings(for: address)
        }
        let check = try explained { () throws(CarrierError) in try HostKeyCheck(settings, configuration) }
        let connection = try SSHConnection(
            try link(settings, caller), settings, patience: configuration.stallTime, caller: caller)
        let key = try shakeHands(connection, check)
        try explained { () throws(CarrierError) in try check.check(key) }
        try Login(connection: connection, configuration: configuration).run()
        return connection
    }

    private func shakeHands(_ connection: SSHConnection, _ check: HostKeyCheck) throws(SSHFailure) -> HostKey {
        do throws(SSHFailure) {
            return try connection.shakeHands(preferring: check.preference)
        } catch {
            if let complaint = connection.settings.proxy == nil ? nil : connection.proxyComplaint {
                throw .explained(
                    CarrierError(
                        .unreachable, .retry(after: nil),
                        "cannot reach \(connection.settings.hostName) through its proxy: '\(complaint)'",
                        remedy: "check ProxyCommand or ProxyJump in the configuration of ssh"))
            }
            guard case .code(LIBSSH2_ERROR_KEX_FAILURE, _) = error, let offer = connection.offer else { throw error }
            throw noCommonKey(connection.settings, offer) ?? error
        }
    }

    /// The error for a host that has only keys which libssh2 1.10 cannot check; nil when it has another.
    private func noCommonKey(_ settings: SSHSettings, _ offer: ServerOffer) -> SSHFailure? {
        let names = offer.hostKeyAlgorithms
        guard !names.isEmpty, !names.contains(where: HostKey.usableTypes.contains) else { return nil }
        let isRSA = names.allSatisfy { $0.hasPrefix("rsa-") || $0.hasPrefix("ssh-rsa") }
        let what = isRSA ? "only an RSA host key" : "no host key that can be checked"
        return .explained(
            CarrierError(
                .misconfigured, .waitForPerson,
                "the host \(settings.knownName) has \(what) (\(names.joined(separator: ", "))), and libssh2 1.10 checks ed25519 and ECDSA keys only",
                remedy:
                    "have the host's owner add an ed25519 key ('ssh-keygen -A', then a HostKey line if sshd_config names keys), or send another way"
            ))
    }

    private func link(_ settings: SSHSettings, _ caller: CancellationFlag) throws(SSHFailure) -> Link {
        let query = SettingsQuery(configuration: configuration)
        let command: [String]
        switch settings.proxy {
        case nil:
            return try Link.tcp(
                host: settings.hostName, port: settings.port, limit: configuration.connectTime,
                isCancelled: { caller.isSet })
        case .command(let text):
            let shell = getenv("SHELL").map { String(cString: $0) } ?? ""
            // The program takes the shell's place, so that ending it ends the connection.
            command = [shell.isEmpty ? "/bin/sh" : shell, "-c", "exec " + settings.replacingTokens(in: text)]
        case .jump(let hosts): command = query.jump(through: hosts, to: settings)
        }
        do throws(SystemFailure) {
            return try Link.proxy(command)
        } catch {
            let action = CarrierError.action(after: error.errno)
            throw .explained(
                CarrierError(
                    .misconfigured, action == .giveUp ? .waitForPerson : action,
                    "cannot start the proxy for \(settings.hostName): \(error.explanation)",
                    remedy: "check ProxyCommand or ProxyJump in the configuration of ssh"))
        }
    }

    private func explained<Value>(_ body: () throws(CarrierError) -> Value) throws(SSHFailure) -> Value {
        do throws(CarrierError) { return try body() } catch { throw .explained(error) }
    }
}
