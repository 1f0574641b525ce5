internal import Fabric
internal import HTTPClient

/// What the status of a hub's answer means: the one table, keyed by status, and by the hub's own word where a status
/// has several meanings.
enum HubVerdict {
    private typealias Verdict = (CarrierError.Kind, CarrierError.Remedy, String, String?)

    /// The error for an answer that is no success. What the server says itself ends up in the explanation.
    static func error(_ answer: HubAnswer, purpose: String) -> CarrierError {
        let (kind, action, reason, remedy) = verdict(answer)
        let told = answer.detail.map { ": " + oneLine($0) } ?? ""
        return CarrierError(
            kind, action, "\(purpose): \(reason) (status \(answer.status))\(told)", remedy: remedy)
    }

    private static func verdict(_ answer: HubAnswer) -> Verdict {
        switch answer.status {
        case 300..<400: redirected(answer)
        case 400..<500: clientError(answer)
        case 500..<600: serverError(answer)
        default: (.corrupted, .tryNextRoute, "the answer is none that a hub gives", "check the address")
        }
    }

    private static func redirected(_ answer: HubAnswer) -> Verdict {
        let target = answer.answer["Location"].map { "'" + oneLine($0) + "'" } ?? "an unknown address"
        // A redirect could lead anywhere, and what is sent is meant for the one that was named.
        return (
            .misconfigured, .waitForPerson, "the server points to \(target), which is not followed",
            "if that is the hub, use it"
        )
    }

    private static func clientError(_ answer: HubAnswer) -> Verdict {
        switch answer.status {
        case 401:
            (
                .refused, .waitForPerson, "the hub asks for a signature by the agent's registered key",
                "check that the agent is registered with this identity's key, and both clocks"
            )
        case 403: (.refused, .waitForPerson, "the hub does not allow it to this agent", "ask who runs the hub")
        case 404 where answer.code == "unknown_agent":
            (
                .refused, .waitForPerson, "the receiver is not registered at the hub",
                "check the name, or have its owner register it ('tcd hub register')"
            )
        case 404, 405, 410: (.misconfigured, .tryNextRoute, "the hub knows nothing of the kind", "check the address")
        case 407: (.misconfigured, .waitForPerson, "the proxy asks for a login", "check http_proxy and https_proxy")
        case 408: (.stalled, .retry(after: nil), "the bytes came too slowly for the hub", nil)
        case 409 where answer.code == "blob_incomplete":
            (.corrupted, .retry(after: nil), "the hub does not hold all of the bytes", nil)
        case 409: (.conflict, .tryNextRoute, "the hub will not take it", nil)
        case 413:
            (.tooLarge(limit: answer.json?["limit"]?.integer), .tryNextRoute, "it is larger than the hub takes", nil)
        case 414, 431: (.refused, .tryNextRoute, "the request is too long for the hub", nil)
        case 422 where answer.code == "digest_mismatch":
            (.corrupted, .retry(after: nil), "the bytes did not arrive as they were sent", nil)
        case 429 where answer.code == "mailbox_full":
            (.full, .retry(after: answer.retryAfter), "the receiver's mailbox is full", "ask the receiver to empty it")
        case 425, 429: (.throttled, .retry(after: answer.retryAfter), "the hub asks for patience", nil)
        default: (.refused, .tryNextRoute, "the hub refused it", nil)
        }
    }

    private static func serverError(_ answer: HubAnswer) -> Verdict {
        switch answer.status {
        case 501, 505: (.misconfigured, .tryNextRoute, "the hub knows nothing of the kind", "check the address")
        case 503: (.throttled, .retry(after: answer.retryAfter), "the hub is busy", nil)
        case 507: (.full, .retry(after: answer.retryAfter), "the hub has no room", "ask who runs the hub")
        default: (.unreachable, .retry(after: answer.retryAfter), "the hub failed", nil)
        }
    }

    /// The error for a request that brought no answer.
    static func error(_ failure: RequestFailure, purpose: String) -> CarrierError {
        switch failure {
        case .curl(let code, let detail):
            let verdict = CurlVerdict.of(code)
            let words = detail.isEmpty ? "libcurl's code \(code)" : oneLine(detail)
            return CarrierError(
                verdict.kind, verdict.action, "\(purpose): \(verdict.reason) (\(words))", remedy: verdict.remedy)
        case .stalled:
            return CarrierError(
                .stalled, .retry(after: nil), "\(purpose): the hub neither took bytes nor answered for too long")
        case .unreadable(let failure): return CarrierError(local: failure, purpose)
        case .sourceEnded:
            return CarrierError(.corrupted, .giveUp, "\(purpose): the request ended before its announced size")
        case .cancelled: return cancelled(purpose)
        }
    }

    /// The error for a caller who has lost interest.
    static func cancelled(_ purpose: String) -> CarrierError {
        CarrierError(.cancelled, .retry(after: nil), "\(purpose): it was cancelled")
    }

    /// Text from a server, fit for one line of an error.
    static func oneLine(_ text: String) -> String { DisplayText.line(text, atMost: 300) }
}
