internal import Fabric
internal import HTTPClient

/// Requests along one route, with failures turned into a carrier's errors.
struct RouteRequests: Sendable {
    /// The route, for messages and receipts.
    let route: Route
    /// The addresses below the route's.
    let address: InboxAddress

    private let configuration: HTTPCarrierConfiguration
    private let client: CurlClient

    /// - Throws: `misconfigured` for a route or configuration that no request can be made with.
    init(_ route: Route, _ configuration: HTTPCarrierConfiguration, _ client: CurlClient) throws(CarrierError) {
        self.route = route
        self.configuration = configuration
        self.client = client
        address = try InboxAddress(route)
        for value in [configuration.senderDID ?? "", configuration.userAgent] {
            // A line break would begin another header field.
            guard value.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
                throw CarrierError(
                    .misconfigured, .waitForPerson, "the sender's name holds a character that a header cannot",
                    remedy: "use ASCII letters, digits and punctuation")
            }
        }
    }

    /// Makes one request and returns the answer, whatever its status.
    func perform(
        _ method: OutgoingRequest.Method, _ url: String, headers: [(name: String, value: String)] = [],
        body: OutgoingRequest.Body? = nil, storing size: Int64 = 0,
        progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws(CarrierError) -> Answer {
        let request = OutgoingRequest(
            method: method, url: url, headers: headers, body: body, answerTime: answerTime(storing: size),
            progress: progress)
        do {
            return try await client.perform(request)
        } catch {
            throw carrierError(error)
        }
    }

    /// A receiver answers when everything is on its disk, which for a large envelope may take its time: one second for
    /// each 64 MiB is granted.
    private func answerTime(storing size: Int64) -> Duration {
        configuration.stallTime + .seconds(size / (64 << 20))
    }

    private func carrierError(_ failure: RequestFailure) -> CarrierError {
        let start = "cannot deliver to '\(route.address)': "
        switch failure {
        case .curl(let code, let detail):
            let verdict = CurlVerdict.of(code)
            let words = detail.isEmpty ? "libcurl's code \(code)" : AnswerVerdict.oneLine(detail)
            return CarrierError(
                verdict.kind, verdict.action, start + verdict.reason + " (" + words + ")", remedy: verdict.remedy)
        case .stalled:
            return CarrierError(
                .stalled, .retry(after: nil), start + "the far side neither took bytes nor answered for too long")
        case .unreadable(let failure): return CarrierError(local: failure, "cannot deliver to '\(route.address)'")
        case .sourceEnded:
            return CarrierError(
                .corrupted, .giveUp, start + "the envelope ended before its announced size", remedy: "seal it again")
        case .cancelled:
            return CarrierError(.cancelled, .retry(after: nil), start + "the delivery was cancelled")
        }
    }
}
