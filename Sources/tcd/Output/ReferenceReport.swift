internal import CarrierIPoll
internal import Fabric

/// What is told of an envelope that a message named and did not bring.
struct ReferenceReport: Sendable {
    let json: Bool

    /// Tells how far it is known now.
    func tell(_ reference: EnvelopeReference) {
        if json {
            var line: JSONObject = ["event": "reference"]
            for (key, value) in reference.record.members { line[key] = value }
            return Terminal.say(line)
        }
        let name = VerdictReport.shown(reference.notice.name)
        let sender = VerdictReport.shown(reference.sender)
        guard let found = reference.found else {
            return Terminal.say("· referenced \(name) by \(sender); it is not here")
        }
        Terminal.say("· present \(name), referenced by \(sender): matched by \(found.by.rawValue) as \(found.name)")
    }
}
