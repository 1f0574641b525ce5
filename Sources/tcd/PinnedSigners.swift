internal import Fabric

/// The keys that are pinned for those who sign, by the names that they claim.
struct PinnedSigners {
    private let mustBePinned: Bool
    private let pins: [String: Pin]

    /// The key that is pinned for each name.
    var keys: [String: PublicKey] { pins.compactMapValues { PublicKey(hex: $0.key) } }

    /// - Parameter mustBePinned: Whether a signer of whom nothing is pinned is refused.
    /// - Throws: `TrustError`; a file of pins that is not understood is never taken for an empty one.
    init(mustBePinned: Bool) throws {
        self.mustBePinned = mustBePinned
        let store = TrustStore(state: try HostDirectories.current().state())
        pins = Dictionary(uniqueKeysWithValues: try store.pins().filter { $0.kind == .signer }.map { ($0.subject, $0) })
    }

    /// What is known of a key that signed as `name`.
    func standing(of key: PublicKey, claiming name: String) -> SignerStanding {
        let pin: TrustStore.Standing =
            switch pins[name] {
            case nil: .unknown
            case let pin?: pin.key == key.hex ? .matches(pin) : .changed(pinned: pin)
            }
        return SignerStanding(name: name, key: key, pin: pin, mustBePinned: mustBePinned)
    }
}

/// A key that signed, and what is pinned for the name that its owner claims.
struct SignerStanding: Sendable {
    let name: String
    let key: PublicKey
    let pin: TrustStore.Standing
    let mustBePinned: Bool

    /// Why its envelope is to be left alone; nil when it is not.
    var refusal: UntrustedSigner? {
        switch pin {
        case .matches: nil
        case .unknown: mustBePinned ? UntrustedSigner(standing: self) : nil
        case .changed: UntrustedSigner(standing: self)
        }
    }

    /// `matches`, `unknown` or `differs`.
    var word: String {
        switch pin {
        case .matches: "matches"
        case .unknown: "unknown"
        case .changed: "differs"
        }
    }

    /// The documented keys (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        var pinned: String?
        if case .changed(let pin) = self.pin { pinned = pin.key }
        if case .matches(let pin) = self.pin { pinned = pin.key }
        return [("pin", .text(word)), ("pinned_pubkey", .init(pinned))]
    }

    /// What a person reads.
    var line: String {
        switch pin {
        case .matches(let pin): "the key is the one pinned since \(pin.since.iso8601)"
        case .unknown: "no key is pinned for that name: anybody can claim it"
        case .changed: "refused: " + UntrustedSigner(standing: self).explanation
        }
    }
}

/// A signer whose key is not the pinned one, or of whom nothing is pinned where something must be.
struct UntrustedSigner: ExplainedError {
    let standing: SignerStanding

    var category: FailureCategory { .refused }

    private var name: String { VerdictReport.shown(standing.name) }
    private var fingerprint: String { Pin.fingerprint(of: standing.key.hex, .signer) }

    var explanation: String {
        guard case .changed(let pin) = standing.pin else {
            return "no key is pinned for '\(name)', and this was signed with \(fingerprint)"
        }
        return "the key of '\(name)' is pinned to \(pin.fingerprint) since \(pin.since.iso8601); "
            + "this was signed with \(fingerprint)"
    }

    var remedy: String? {
        guard case .changed = standing.pin else { return "if it is the right one, use 'tcd trust add signer'" }
        return "ask its owner by another way; if the change is meant, use 'tcd trust rotate signer'"
    }
}
