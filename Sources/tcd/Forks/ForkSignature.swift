internal import Fabric
internal import Triage

/// What the seal of an envelope says about who handed a fork over.
enum ForkSignature {
    /// What was found of a valid envelope: the key that signed it, compared with the pins of this machine, and its name,
    /// compared with its manifest. Blocks.
    static func check(_ manifest: Manifest, _ verdict: EnvelopeVerdict, token: ForkToken) -> ForkCheck {
        let who =
            "signed by \(manifest.senderKey.hex), which claims to be '\(VerdictReport.shown(manifest.senderName))'"
        let said = "; the token says that '\(VerdictReport.shown(token.actorFrom))' hands over"
        if verdict.needsTriage {
            return ForkCheck(.signature, .fail, "\(who), and the envelope's name tells another story\(said)")
        }
        let store = try? TrustStore(state: HostDirectories.current().state())
        switch try? store?.check(.signer, manifest.senderName, key: manifest.senderKey.hex) {
        case .matches: return ForkCheck(.signature, .pass, "\(who), as is pinned\(said)")
        case .changed(let pin):
            return ForkCheck(.signature, .fail, "\(who), for whom \(pin.key) is pinned\(said)")
        case .unknown, nil: return ForkCheck(.signature, .pass, "\(who), for whom no key is pinned\(said)")
        }
    }
}
