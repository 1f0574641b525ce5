package import Fabric

/// An envelope that a message named and did not bring: CEP's state `referenced` (`cep.md`, section 2). That somebody
/// spoke of an envelope says nothing of where it is.
package struct EnvelopeReference: Sendable {
    /// How it was found that an envelope which is here is the one that was meant.
    package enum Match: String, Sendable {
        /// It has the digest that the message announced.
        case digest
        /// It has the name that the message announced, which announced no digest.
        case name
    }

    /// The server's name for the message.
    package let messageID: String
    /// Who sent the message, as the server says.
    package let sender: String
    /// When it was read.
    package let date: Timestamp
    /// What the message says of the envelope.
    package let notice: EnvelopeNotice
    /// The name under which an envelope that is here was found to be the one meant, and by what; nil for none.
    package private(set) var found: (name: ArrivalName, digest: Digest?, by: Match)?

    /// A reference that was read just now.
    init(_ message: PollMessage, _ notice: EnvelopeNotice, at date: Timestamp = .now()) {
        messageID = message.id
        sender = message.sender
        self.date = date
        self.notice = notice
    }

    /// How far the envelope is known here: `referenced` until one is here that must be it, and `present` then. Nothing
    /// here looks into envelopes, so it never becomes more.
    package var state: String { found == nil ? "referenced" : "present" }

    /// Whether the envelope with that name and digest is the one that the message means; by what, if so.
    func match(name: ArrivalName, digest: Digest) -> Match? {
        if let announced = notice.envelopeDigest { return announced == digest ? .digest : nil }
        return notice.name == name.text ? .name : nil
    }

    /// The same, found.
    func found(as name: ArrivalName, digest: Digest?, by match: Match) -> EnvelopeReference {
        var copy = self
        copy.found = (name, digest, match)
        return copy
    }
}

// MARK: - As a record

extension EnvelopeReference {
    /// The record of it: what consumers write and show.
    package var record: JSONObject {
        var record: JSONObject = [
            "envelope_name": .text(notice.name), "envelope_ref": .text(orNull: notice.reference),
            "verification_state": .text(state), "from_agent": .text(sender), "message_id": .text(messageID),
            "referenced_at": .text(date.iso8601), "schema": .text(orNull: notice.schema),
            "claimed_state": .text(orNull: notice.claimedState),
            "envelope_digest": .text(orNull: notice.envelopeDigest?.description),
            "content_digest": .text(orNull: notice.contentDigest?.description),
            "size_bytes": notice.size.map(JSONValue.integer) ?? .null,
        ]
        if let found {
            record["stored_name"] = .text(found.name.text)
            record["matched_by"] = .text(found.by.rawValue)
            record["digest"] = .text(orNull: found.digest?.description)
        }
        return record
    }

    /// Reads a record; nil for anything else.
    init?(_ record: JSONObject) {
        guard let notice = EnvelopeNotice(record), let id = record["message_id"]?.text,
            let date = record["referenced_at"]?.text.flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        messageID = id
        sender = record["from_agent"]?.text ?? ""
        self.date = date
        self.notice = notice
        if let name = record["stored_name"]?.text.flatMap({ ArrivalName($0) }),
            let match = record["matched_by"]?.text.flatMap({ Match(rawValue: $0) })
        {
            found = (name, record["digest"]?.text.flatMap { EnvelopeNotice.digest($0) }, match)
        }
    }
}
