internal import Fabric
internal import HTTPClient
internal import SystemPackage

/// Asks a name service over HTTP, once, in bounded time and space.
struct AINSClient: Sendable {
    /// The address below which names are: the peers' `TIBET_AINS_API_URL`.
    let base: String
    private let timeLimit: Duration
    private let client: CurlClient

    /// The largest answer that is read, in bytes.
    static let largestAnswer = 256 << 10

    /// What came of asking.
    enum Outcome: Sendable {
        case found(AINSRecord, lifetime: Int64?, mayBeKept: Bool)
        case notFound
        /// No answer that could be used, and why, following "AINS at … ".
        case failed(String)
    }

    /// - Throws: `misconfigured` when `base` is no URL that names could be appended to.
    init(
        base: String, timeLimit: Duration, userAgent: String, authorities: FilePath? = nil
    ) throws(CarrierError) {
        var trimmed = base[...]
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.base = String(trimmed)
        self.timeLimit = timeLimit
        do throws(NameError) {
            let scheme = TargetForm.scheme(of: self.base)
            guard let scheme, ["http", "https"].contains(scheme), !trimmed.contains("?"), !trimmed.contains("#") else {
                throw NameError(.noTarget, "it is no URL of http or https without '?' and '#'", remedy: nil)
            }
            _ = try RouteText.url(self.base, scheme)
        } catch {
            throw CarrierError(
                .misconfigured, .waitForPerson,
                "cannot use '\(PlainText.line(base))' as the address of AINS: \(error.explanation)",
                remedy: "write TIBET_AINS_API_URL or --ains-url as http://HOST:PORT/api/ains/resolve")
        }
        var configuration = HTTPClientConfiguration()
        configuration.connectTime = timeLimit
        configuration.stallTime = timeLimit
        configuration.userAgent = userAgent
        configuration.authorities = authorities
        client = CurlClient(configuration: configuration)
    }

    /// Asks for one name.
    func ask(for name: String) async -> Outcome {
        let request = OutgoingRequest(
            method: .get, url: "\(base)/\(Self.escaped(name))", headers: [("Accept", "application/json")],
            answerTime: timeLimit, timeLimit: timeLimit, largestAnswer: Self.largestAnswer)
        do throws(RequestFailure) {
            return outcome(try await client.perform(request), name)
        } catch {
            return .failed(words(for: error))
        }
    }

    private func outcome(_ answer: Answer, _ name: String) -> Outcome {
        switch answer.status {
        case 200: break
        case 404, 410: return .notFound
        case 300..<400:
            let target = answer["Location"].map { "'" + PlainText.line($0) + "'" } ?? "an unknown address"
            return .failed("points to \(target), which is not followed")
        default: return .failed("answers with status \(answer.status)")
        }
        guard !answer.isCut else { return .failed("answers with more than \(Self.largestAnswer) bytes") }
        switch AINSAnswer(parsing: answer.body, name: name) {
        case .found(let record, let lifetime):
            let rules = answer["Cache-Control"].map { CacheRules(parsing: $0) }
            return .found(record, lifetime: lifetime ?? rules?.maxAge, mayBeKept: rules?.mayBeKept ?? true)
        case .notFound: return .notFound
        case .unusable(let why): return .failed("cannot be used: " + why)
        }
    }

    private func words(for failure: RequestFailure) -> String {
        switch failure {
        case .curl(let code, let detail):
            let words = detail.isEmpty ? "" : " (\(PlainText.line(detail)))"
            return "cannot be asked: " + CurlVerdict.of(code).reason + words
        case .stalled: return "did not answer within \(timeLimit.components.seconds) s"
        case .unreadable(let failure): return "cannot be asked: " + failure.explanation
        case .sourceEnded, .cancelled: return "was not asked to the end"
        }
    }

    /// The name as one segment of a path (RFC 3986, section 3.3).
    private static func escaped(_ name: String) -> String {
        var text = ""
        for byte in name.utf8 {
            let scalar = Unicode.Scalar(byte)
            if scalar.properties.isAlphabetic && byte < 0x80 || (0x30...0x39).contains(byte)
                || "-._~:".utf8.contains(byte)
            {
                text.unicodeScalars.append(scalar)
            } else {
                text += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return text
    }
}

/// What `Cache-Control` says of keeping an answer (RFC 9111, section 5.2.2).
struct CacheRules {
    /// For how many seconds the answer is fresh; nil where that is not said.
    var maxAge: Int64?
    /// Whether it may be stored at all.
    var mayBeKept = true

    init(parsing text: String) {
        for part in text.lowercased().split(separator: ",") {
            let directive = part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            switch directive {
            case "no-store": mayBeKept = false
            case "no-cache": maxAge = 0
            default:
                guard directive.hasPrefix("max-age="), directive.utf8.count <= 18,
                    let age = Int64(directive.dropFirst(8)),
                    age >= 0
                else { continue }
                maxAge = min(age, maxAge ?? age)
            }
        }
    }
}
