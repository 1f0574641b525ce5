internal import Fabric

/// What a hub found out about a sender, in the words of lines for people and of lines for programs.
enum SenderWords {
    /// `proven (registered, key 3d40…)` or `unproven`.
    static func proof(_ proof: SenderProof) -> String {
        guard let key = proof.key else { return "unproven" }
        return "proven (\(proof.tier.rawValue), key \(key.hex))"
    }

    /// The sender of an arrival and what is known of it.
    static func line(_ sender: ArrivalSender) -> String {
        "sent by \(VerdictReport.shown(sender.name)), \(proof(sender.proof))"
    }

    /// The members that say it to programs.
    static func fields(_ sender: ArrivalSender) -> [(String, JSONLine.Value)] {
        [
            ("sent_by", .text(sender.name)), ("proven", .flag(sender.proof.isProven)),
            ("tier", .text(sender.proof.tier.rawValue)), ("sender_key", .init(sender.proof.key?.hex)),
        ]
    }
}
