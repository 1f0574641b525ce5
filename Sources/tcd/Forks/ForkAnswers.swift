internal import Fabric
internal import Triage

/// Sends answers. They go to a mailbox of the hub that brought the fork, to the target of `--ack-to`, or to a pinned name;
/// never to an address that only a fork or an envelope names.
struct ForkAnswers: Sendable {
    let post: ForkPost
    let receipts: ForkReceipts
    /// Where every sealed receipt goes; nil for the way that the fork came.
    let receiptTarget: DeliveryTarget?
    let reports: ForkReports

    /// Answers a fork whose sender is accepted, writes that down, and returns to whom; nil where there is no one to answer.
    func send(_ answer: ForkAnswer, on content: ForkContent, _ evidence: inout ForkEvidence) async throws -> String? {
        switch content.returnPath {
        case .message(let sender, let isProven, let hub):
            guard let receiver = ForkAnswer.receiver(for: content.token, sender: sender, isProven: isProven) else {
                reports.note(
                    "no answer was sent: neither '\(VerdictReport.shown(content.token.actorFrom))' nor "
                        + "'\(VerdictReport.shown(sender))' is the name of a mailbox")
                return nil
            }
            let id = try await post.send(answer, to: receiver, hub: hub)
            evidence.noteAnswer(answer.status, to: receiver, as: id)
            return receiver
        case .receipt(let envelope, let manifest, let mailbox):
            guard let target = await target(mailbox, manifest, isPinned: content.standing.decision.isPinned) else {
                reports.note(
                    "no receipt was sent to '\(VerdictReport.shown(manifest.senderName))': no mailbox brought the fork, "
                        + "and no route to a pinned signer of that name is configured; give --ack-to")
                return nil
            }
            let id = try await receipts.send(note: answer.note, about: envelope, to: target, manifest: manifest)
            evidence.noteAnswer(answer.status, to: target.text, as: id)
            return target.text
        }
    }

    private func target(_ mailbox: DeliveryTarget?, _ manifest: Manifest, isPinned: Bool) async -> DeliveryTarget? {
        if let target = receiptTarget ?? mailbox { return target }
        return isPinned ? await receipts.target(ofPinned: manifest.senderName) : nil
    }
}
