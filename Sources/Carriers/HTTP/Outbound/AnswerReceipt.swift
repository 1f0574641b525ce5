internal import Fabric
internal import HTTPClient

/// Reads what a far side says it has stored, and believes no more than that.
enum AnswerReceipt {
    /// The receipt for an answer of success.
    ///
    /// - Throws: `corrupted` when the far side stored something else, or answers as no inbox does; the error of the
    ///   status when it is no success.
    static func read(
        _ answer: Answer, for envelope: SealedEnvelope, along route: Route, resumedFrom start: Int64
    ) throws(CarrierError) -> DeliveryReceipt {
        guard answer.status == 200 || answer.status == 201 else { throw AnswerVerdict.error(answer, for: route) }
        let digest = answer[FieldName.reprDigest].flatMap { StructuredFields.digest(in: $0) }
        if let digest, digest != envelope.digest {
            throw CarrierError(
                .corrupted, .retry(after: nil),
                "cannot deliver to '\(route.address)': the far side stored other bytes than were sent")
        }
        let told = peersWords(answer)
        guard let outcome = answer[FieldName.outcome] else {
            // A peer. 200 alone is what any web server says to anything, so that is not enough.
            guard answer.status == 201 || told != nil else {
                throw CarrierError(
                    .corrupted, .tryNextRoute,
                    "cannot deliver to '\(route.address)': what answered (status 200) is no inbox",
                    remedy: "check the address, and for a proxy on the way")
            }
            return DeliveryReceipt(strength: .accepted, route: route, storedName: told, farDigest: digest)
        }
        return DeliveryReceipt(
            strength: digest == nil ? .accepted : .stored, route: route,
            storedName: answer[FieldName.storedName] ?? told, farDigest: digest,
            wasDuplicate: outcome == Publication.Outcome.duplicate.rawValue, resumedFrom: start,
            signed: answer[FieldName.receipt].flatMap { SignedReceipt(parsing: $0) })
    }

    /// The name in `created <name> (<n> bytes) […]` (`http-inbox.md`, section 2).
    private static func peersWords(_ answer: Answer) -> String? {
        let words = String(decoding: answer.body.prefix(1024), as: UTF8.self).split(separator: " ")
        guard words.count >= 4, words[0] == "created", words[2].hasPrefix("("), words[3].hasPrefix("bytes)") else {
            return nil
        }
        return ArrivalName(String(words[1]))?.text
    }
}
