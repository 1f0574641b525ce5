internal import CarrierSCP
internal import Fabric

/// Host keys that were taken on trust: said aloud, and pinned beside all other keys.
enum AcceptedKeys {
    /// Records a key that the carrier let through and wrote into the file of known hosts.
    static func record(_ accepted: AcceptedHostKey) {
        Terminal.note(
            "took the \(accepted.type) key of '\(accepted.host)' on trust (\(accepted.fingerprint)), and added it to "
                + "'\(accepted.file)'")
        do {
            let pin = try Pin(
                kind: .host, subject: "\(accepted.host) \(accepted.type)", key: "\(accepted.type) \(accepted.key)",
                reason: "--accept-new-host-key", source: accepted.file)
            _ = try TrustStore(state: HostDirectories.current().state()).admit(pin)
        } catch {
            Terminal.note("the key is not pinned: \(error)")
        }
    }
}
