internal import Fabric

extension SignerStanding {
    /// The documented keys (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        [
            ("sender_fingerprint", .text(fingerprint)), ("pin", .text(word)), ("pinned_pubkey", .init(pinned?.key)),
            ("pin_command", .init(pinCommand)),
        ]
    }

    /// The same keys where there is no signer.
    static var noFields: [(String, JSONLine.Value)] {
        ["sender_fingerprint", "pin", "pinned_pubkey", "pin_command"].map { ($0, .null) }
    }

    /// Who signed, in words for people.
    var title: String { "signed by \(key) (\(fingerprint)), which claims to be '\(VerdictReport.shown(name))'" }

    /// What is pinned for the name, in words for people.
    var line: String {
        switch pin {
        case .matches(let pin): "the key is the one pinned since \(pin.since.iso8601)"
        case .former(let pin, let former):
            "a former key of that name, replaced \(former.until.iso8601); pinned is \(pin.fingerprint)"
        case .unknown: "no key is pinned for that name: anybody can claim it"
        case .differs: "refused: " + TrustObjection.pinMismatch(self).explanation
        }
    }

    /// How to pin the key, for a person who has just taken something that it signed; nil where there is nothing to pin.
    var advice: String? {
        pinCommand.map { "to pin it, once the sender has confirmed the fingerprint by another way: \($0)" }
    }
}

extension TrustDecision {
    /// The documented keys (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        (signer?.fields ?? SignerStanding.noFields) + [
            ("outcome", .text(outcome.rawValue)), ("reason", .init(objection?.code)),
        ]
    }
}
