internal import CarrierIPoll
internal import Fabric

/// Messages as they are told.
struct PollReport {
    let json: Bool

    /// Tells the messages, one line each; with JSON as the server gave them, with an event before.
    func tell(_ polls: [PollMessage]) {
        for poll in polls {
            if json {
                Terminal.say(fields(of: poll))
            } else {
                tellPerson(poll)
            }
        }
    }

    /// The keys of a message are those of the short spelling, whatever the server's was, and then the rest as it came.
    private func fields(of poll: PollMessage) -> JSONObject {
        var fields: JSONObject = [
            "event": "message", "id": .text(poll.id), "from": .text(poll.sender), "to": .text(poll.recipient),
            "type": .text(poll.type.description), "kind": .text(poll.kind.rawValue), "content": .text(poll.content),
            "status": .text(orNull: poll.status), "created_at": .text(orNull: poll.createdAt),
            "metadata": .object(poll.metadata),
        ]
        for (key, value) in poll.proof.json.members { fields[key] = value }
        for (key, value) in poll.raw.members where fields[key] == nil { fields[key] = value }
        return fields
    }

    private func tellPerson(_ poll: PollMessage) {
        let type = poll.type.description
        let head = [
            VerdictReport.shown(type + String(repeating: " ", count: max(0, 4 - type.count))),
            VerdictReport.shown(poll.id), poll.createdAt.map(VerdictReport.shown),
            "\(VerdictReport.shown(poll.sender)) → \(VerdictReport.shown(poll.recipient))",
            poll.status.map(VerdictReport.shown), SenderWords.proof(poll.proof),
        ].compactMap { $0 }
        Terminal.say(head.joined(separator: "  "))
        for line in DisplayText.lines(poll.content) { Terminal.say("    " + line) }
        if [.envelope, .forkEnvelope].contains(poll.kind), let notice = EnvelopeNotice(poll) {
            // Whatever the sender claims: what a message says of an envelope proves nothing of it.
            Terminal.say("    envelope \(VerdictReport.shown(notice.name)): referenced")
        }
    }
}
