internal import CarrierHTTP
internal import Fabric
internal import HTTPClient

/// Whether this machine's clock agrees with those of the servers that it talks to.
///
/// A signature carries a time, and receivers take it within five minutes (`http-inbox.md`, section 3).
struct ClockCheck {
    private let client: CurlClient

    /// No clock that is right shows an earlier time: this program was written later.
    private static let earliest = Timestamp(seconds: 1_763_000_000)
    private static let tolerated: Int64 = 30
    private static let fatal: Int64 = 300

    init(_ configuration: HTTPCarrierConfiguration) {
        var own = HTTPClientConfiguration()
        own.authorities = configuration.authorities
        own.clientCertificate = configuration.clientCertificate
        own.clientKey = configuration.clientKey
        own.connectTime = min(configuration.connectTime, .seconds(5))
        own.stallTime = min(configuration.stallTime, .seconds(5))
        own.userAgent = configuration.userAgent
        client = CurlClient(configuration: own)
    }

    /// Whether anybody answers at the address of AINS, with whatever.
    func reach(_ address: String) async -> Check {
        do throws(RequestFailure) {
            let answer = try await client.perform(request(address))
            guard answer.status < 500 else {
                return .warning("ains", "'\(address)' answers with status \(answer.status)", remedy: "ask who runs it")
            }
            return .fine("ains", "'\(address)' answers")
        } catch {
            return .warning(
                "ains", "'\(address)' does not answer", remedy: "check TIBET_AINS_API_URL, or use --no-ains")
        }
    }

    /// Compares with the first of `servers` that tells the time.
    func compare(with servers: [String]) async -> Check {
        let now = Timestamp.now()
        guard now > Self.earliest else {
            return Check(
                subject: "clock", state: .failed, detail: "it says \(now.iso8601), which is past",
                remedy: "set the clock; signatures carry the time")
        }
        for server in servers {
            guard let answer = try? await client.perform(request(server)),
                let theirs = answer["Date"].flatMap({ HTTPDate.parse($0) })
            else { continue }
            let apart = Timestamp.now().seconds - theirs.seconds
            let side = apart < 0 ? "behind" : "ahead of"
            let words = "\(abs(apart)) s \(side) '\(server)'"
            if abs(apart) >= Self.fatal {
                return Check(
                    subject: "clock", state: .failed, detail: words,
                    remedy: "set both clocks; a signature is good for \(Self.fatal) s")
            }
            guard abs(apart) > Self.tolerated else { return .fine("clock", words) }
            return .warning("clock", words, remedy: "let a time service set both clocks")
        }
        return .fine("clock", "\(now.iso8601), compared with nobody")
    }

    private func request(_ url: String) -> OutgoingRequest {
        OutgoingRequest(method: .get, url: url, answerTime: .seconds(5), timeLimit: .seconds(5))
    }
}
