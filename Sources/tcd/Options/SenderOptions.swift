internal import ArgumentParser
internal import Fabric

/// Whose envelopes and messages are dealt with unattended.
struct SenderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A sender to accept: of the pinned signers only this name, or besides them this public key. Repeatable. "
                + "Default: all pinned signers.", valueName: "name|key"))
    var from: [String] = []

    @Flag(name: .long, help: "Accept every sender, also those for whose name no key is pinned.")
    var fromAnyone = false

    /// Whom to accept.
    ///
    /// - Throws: `UsageError` for a name that has no pin, because nothing could prove it.
    func senders(_ signers: PinnedSigners) throws -> TrustPolicy.Senders {
        if fromAnyone {
            guard from.isEmpty else { throw UsageError("--from and --from-anyone exclude each other") }
            return .anyone
        }
        guard !from.isEmpty else { return .pinned }
        var (names, keys) = (Set<String>(), Set<PublicKey>())
        for text in from {
            if let key = PublicKey(anySpelling: text) {
                keys.insert(key)
            } else if signers[text] != nil {
                names.insert(text)
            } else {
                throw UsageError(
                    "--from '\(VerdictReport.shown(text))': it is not a public key, and no key is pinned for that name",
                    remedy: "give the key, or pin it with 'tcd trust add signer'")
            }
        }
        return .listed(names: names, keys: keys)
    }

    /// Says at the start that every sender is accepted.
    ///
    /// - Parameter what: What is done for them, for example `unpacked`.
    func announce(_ what: String) {
        guard fromAnyone else { return }
        Terminal.note("--from-anyone: what any sender sends is \(what), whether or not a key is pinned for its name")
    }
}
