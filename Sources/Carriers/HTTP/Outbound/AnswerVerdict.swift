internal import Fabric
internal import HTTPClient

/// What an answer's status means for a delivery: the one table, keyed by status.
enum AnswerVerdict {
    /// The error for an answer that is no success.
    ///
    /// The reason that our listener gives in a JSON body ends up in the explanation.
    static func error(_ answer: Answer, for route: Route) -> CarrierError {
        let body = ErrorBody(parsing: answer.body)
        let (kind, action, reason, remedy) = verdict(answer, body)
        let told = body.map { ": " + oneLine($0.reason) } ?? ""
        return CarrierError(
            kind, action, "cannot deliver to '\(route.address)': \(reason) (status \(answer.status))\(told)",
            remedy: remedy)
    }

    private typealias Verdict = (CarrierError.Kind, CarrierError.Remedy, String, String?)

    private static func verdict(_ answer: Answer, _ body: ErrorBody?) -> Verdict {
        switch answer.status {
        case 300..<400: redirected(answer)
        case 400..<500: clientError(answer, body)
        case 500..<600: serverError(answer)
        default: (.corrupted, .tryNextRoute, "the answer is none that an inbox gives", "check the address")
        }
    }

    private static func redirected(_ answer: Answer) -> Verdict {
        let target = answer["Location"].map { "'" + oneLine($0) + "'" } ?? "an unknown address"
        // A redirect could lead anywhere, and what is sent is meant for the one that the route names.
        return (
            .misconfigured, .waitForPerson, "the far side points to \(target), which is not followed",
            "if that is the inbox, send there"
        )
    }

    private static func clientError(_ answer: Answer, _ body: ErrorBody?) -> Verdict {
        switch answer.status {
        case 400 where body?.error == "digest-mismatch", 400 where body?.error == "short-body", 422:
            (.corrupted, .retry(after: nil), "the bytes did not arrive as they were sent", nil)
        case 401:
            (
                .refused, .waitForPerson, "the far side does not accept the signature",
                "send with a key that the receiver trusts, and check both clocks"
            )
        case 403: (.refused, .waitForPerson, "the far side forbids it", "ask who runs the receiver")
        case 404, 405, 410: (.misconfigured, .tryNextRoute, "there is no inbox at this address", "check the address")
        case 407: (.misconfigured, .waitForPerson, "the proxy asks for a login", "check http_proxy and https_proxy")
        case 408: (.stalled, .retry(after: nil), "the bytes came too slowly for the far side", nil)
        case 409: (.conflict, .tryNextRoute, "the far side will not take this beside what it has", nil)
        case 411: (.refused, .tryNextRoute, "the far side saw no length", "check for a proxy on the way")
        case 413: (.tooLarge(limit: body?.limit), .tryNextRoute, tooLarge(body?.limit), nil)
        case 414, 431: (.refused, .tryNextRoute, "the name or the header is too long for the far side", nil)
        case 425, 429: (.throttled, .retry(after: retryAfter(answer)), "the far side is busy", nil)
        default: (.refused, .tryNextRoute, "the far side refused it", nil)
        }
    }

    private static func serverError(_ answer: Answer) -> Verdict {
        switch answer.status {
        case 501, 505: (.misconfigured, .tryNextRoute, "there is no inbox at this address", "check the address")
        case 503: (.throttled, .retry(after: retryAfter(answer)), "the far side is busy", nil)
        case 507: (.full, .retry(after: retryAfter(answer)), "the far side has no room", "ask who runs the receiver")
        default: (.unreachable, .retry(after: retryAfter(answer)), "the far side failed", nil)
        }
    }

    private static func tooLarge(_ limit: Int64?) -> String {
        guard let limit else { return "the envelope is larger than the far side takes" }
        return "the envelope is larger than the \(limit) bytes that the far side takes"
    }

    /// `Retry-After` in seconds, up to a day; nil for none, and for a date, which would depend on two clocks.
    static func retryAfter(_ answer: Answer) -> Duration? {
        answer["Retry-After"].flatMap { StructuredFields.count(in: $0) }.map { .seconds(min($0, 86400)) }
    }

    /// Text from the far side, fit for one line of an error.
    static func oneLine(_ text: String) -> String { DisplayText.line(text, atMost: 300) }
}
