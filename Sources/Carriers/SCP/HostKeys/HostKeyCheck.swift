internal import Fabric

/// Decides whether a host is the one that it should be, before anything is said to it.
///
/// Five answers are kept apart: unknown, changed, known by a key of another type, revoked, and a file that cannot be
/// read. Only the first can be eased, by `acceptNewHostKey`.
struct HostKeyCheck {
    let settings: SSHSettings
    let configuration: SCPCarrierConfiguration
    private let known: KnownHosts

    /// Reads what is known of the host of `settings`.
    init(_ settings: SSHSettings, _ configuration: SCPCarrierConfiguration) throws(CarrierError) {
        self.settings = settings
        self.configuration = configuration
        known = try Self.known(settings)
    }

    /// The key types to ask the host for, as libssh2 wants them.
    var preference: String { known.preferredTypes.joined(separator: ",") }

    /// Returns when the host may be talked to.
    func check(_ key: HostKey) throws(CarrierError) {
        switch known.verdict(on: key) {
        case .known: return
        case .unknown(let authority): try meet(key, authority)
        case .changed(let entry): throw changed(key, entry)
        case .otherType(let entry): throw otherType(key, entry)
        case .revoked(let entry): throw revoked(key, entry)
        }
    }

    private static func known(_ settings: SSHSettings) throws(CarrierError) -> KnownHosts {
        let bare = settings.hostKeyAlias == nil && settings.port != 22 ? settings.hostName.lowercased() : nil
        return try KnownHosts(
            of: settings.knownName, portless: bare, in: settings.userKnownHosts + settings.globalKnownHosts)
    }

    private func meet(_ key: HostKey, _ authority: KnownHosts.Entry?) throws(CarrierError) {
        guard configuration.acceptNewHostKey else { throw unknown(key, authority) }
        guard let file = settings.userKnownHosts.first, file != "/dev/null" else {
            throw CarrierError(
                .misconfigured, .waitForPerson,
                "the key of \(settings.knownName) is new, and there is no file to record it in",
                remedy: "name a file of known hosts")
        }
        let isNew = try KnownHostsRecord(file: file).add(key, of: settings.knownName, hashed: settings.hashesKnownHosts)
        { () throws(CarrierError) in
            // Somebody else may have met the host in the meantime.
            switch try Self.known(settings).verdict(on: key) {
            case .known: true
            case .unknown: false
            case .changed(let entry): throw changed(key, entry)
            case .otherType(let entry): throw otherType(key, entry)
            case .revoked(let entry): throw revoked(key, entry)
            }
        }
        guard isNew else { return }
        configuration.onAcceptedHostKey(
            AcceptedHostKey(
                host: settings.knownName, type: key.type, key: Base64.encode(key.blob), fingerprint: key.fingerprint,
                file: file))
    }

    private func unknown(_ key: HostKey, _ authority: KnownHosts.Entry?) -> CarrierError {
        let files = settings.userKnownHosts.joined(separator: "', '")
        var text =
            "the host \(settings.knownName) is not known: it showed the key \(described(key)), and no line of '\(files)' is for it"
        if let authority {
            text += "; \(place(authority)) names an authority for it, and libssh2 does not read host certificates"
        }
        return CarrierError(
            .refused, .waitForPerson, text,
            remedy:
                "compare the fingerprint with the one that the host's owner gives, then add the key with ssh, or send with --accept-new-host-key"
        )
    }

    private func changed(_ key: HostKey, _ entry: KnownHosts.Entry) -> CarrierError {
        CarrierError(
            .hostKeyChanged, .waitForPerson,
            "the key of \(settings.knownName) has changed: it showed \(described(key)), and \(place(entry)) has \(entry.line.key.fingerprint); somebody may be listening in",
            remedy: "ask the host's owner; if the change is true, remove the old key with \(removal(entry))")
    }

    private func otherType(_ key: HostKey, _ entry: KnownHosts.Entry) -> CarrierError {
        CarrierError(
            .refused, .waitForPerson,
            "the host \(settings.knownName) showed a key of another type: \(described(key)), and \(place(entry)) knows it by the \(entry.line.key.type) key \(entry.line.key.fingerprint)",
            remedy:
                "compare the fingerprint with the one that the host's owner gives, then add this key too: 'ssh-keyscan -t \(key.type) -p \(settings.port) \(settings.hostName)' prints the line"
        )
    }

    private func revoked(_ key: HostKey, _ entry: KnownHosts.Entry) -> CarrierError {
        CarrierError(
            .hostKeyChanged, .waitForPerson,
            "the host \(settings.knownName) showed a key that is revoked: \(described(key)), by \(place(entry))",
            remedy: "do not use this host until its owner has given it another key")
    }

    private func described(_ key: HostKey) -> String { "\(key.type) \(key.fingerprint)" }

    private func place(_ entry: KnownHosts.Entry) -> String { "'\(entry.file)' line \(entry.line.number)" }

    private func removal(_ entry: KnownHosts.Entry) -> String {
        "'ssh-keygen -R \(settings.knownName) -f \(entry.file)'"
    }
}
