package import Fabric
package import HTTPClient

/// Makes requests to one hub, or to a peer's server, for one purpose.
package struct HubClient: Sendable {
    /// Where the hub is.
    package let address: HubAddress
    /// Who makes the requests; nil for nobody in particular.
    package let agent: HubAgent?
    /// How errors begin.
    package let purpose: String

    let connections: HubConnections

    /// For how long an answer may be missing, or too little may move.
    package var stallTime: Duration { connections.configuration.http.stallTime }

    /// Makes one request, signed where there is somebody to sign, and returns the answer, whatever its status.
    ///
    /// - Parameters:
    ///   - path: The path below the hub's root and the query, as they are sent, beginning with a slash.
    ///   - body: All of the body.
    ///   - patience: How long the hub may take to answer beside the usual time, because it was asked to wait.
    ///   - timeLimit: How long all of it may take; nil for as long as something moves.
    ///   - largestAnswer: How much of the answer's body is taken, in bytes.
    /// - Throws: Why there is no answer.
    package func perform(
        _ method: OutgoingRequest.Method, _ path: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], patience: Duration = .zero, timeLimit: Duration? = nil,
        largestAnswer: Int = Answer.usualLimit
    ) async throws(CarrierError) -> Answer {
        let sent = method == .get || method == .head ? nil : RequestBytes(body)
        let request = OutgoingRequest(
            method: method, url: address.base + path,
            headers: [("Host", address.host)] + signature(method, path, Digest(of: body)) + headers,
            body: sent.map { OutgoingRequest.Body(source: $0, start: 0, count: Int64(body.count)) },
            answerTime: stallTime + patience, timeLimit: timeLimit, largestAnswer: largestAnswer)
        return try await perform(request)
    }

    /// Makes one request whose body is too large to be in memory, and returns the answer, whatever its status. It is not
    /// signed, as what is signed covers the body.
    ///
    /// - Parameter progress: Told how many bytes of the body the server's system has taken.
    package func stream(
        _ method: OutgoingRequest.Method, _ path: String, contentType: String, body: OutgoingRequest.Body,
        progress: @escaping @Sendable (Int64) -> Void
    ) async throws(CarrierError) -> HubAnswer {
        HubAnswer(
            try await perform(
                OutgoingRequest(
                    method: method, url: address.base + path,
                    headers: [
                        ("Host", address.host), ("Accept", "application/json"), ("Content-Type", contentType),
                    ], body: body, answerTime: stallTime + .seconds(body.count / (64 << 20)), progress: progress)))
    }

    private func perform(_ request: OutgoingRequest) async throws(CarrierError) -> Answer {
        do {
            return try await connections.http.perform(request)
        } catch {
            connections.forgetFeatures(of: address)
            throw HubVerdict.error(error, purpose: purpose)
        }
    }

    /// Makes one request with a JSON body and returns the status and the JSON of the answer, whatever the status.
    package func ask(
        _ method: OutgoingRequest.Method, _ path: String, _ body: JSONValue? = nil,
        headers: [(name: String, value: String)] = [], patience: Duration = .zero, timeLimit: Duration? = nil,
        largestAnswer: Int = Answer.usualLimit
    ) async throws(CarrierError) -> HubAnswer {
        var fields = headers + [(name: "Accept", value: "application/json")]
        if body != nil { fields.append(("Content-Type", "application/json")) }
        let answer = try await perform(
            method, path, headers: fields, body: body.map { Array($0.text(.compact).utf8) } ?? [], patience: patience,
            timeLimit: timeLimit, largestAnswer: largestAnswer)
        return HubAnswer(answer)
    }

    /// The error for an answer that is not what was asked for.
    package func error(_ answer: HubAnswer) -> CarrierError { HubVerdict.error(answer, purpose: purpose) }

    /// The JSON object of an answer of success.
    ///
    /// - Throws: The error of the status when it is no success; `corrupted` when it is no JSON object.
    package func object(_ answer: HubAnswer) throws(CarrierError) -> JSONValue {
        guard (200..<300).contains(answer.status) else { throw error(answer) }
        guard let json = answer.json, json.object != nil else { throw unexpected("is no hub's (no JSON object)") }
        return json
    }

    /// The error for an answer of success with other content than a hub's.
    package func unexpected(_ what: String) -> CarrierError {
        connections.forgetFeatures(of: address)
        return CarrierError(
            .corrupted, .tryNextRoute, "\(purpose): the answer \(what)",
            remedy: "check the address, and for a proxy on the way")
    }

    private func signature(
        _ method: OutgoingRequest.Method, _ path: String, _ body: Digest
    ) -> [(name: String, value: String)] {
        guard let agent, let key = connections.configuration.signingKey else { return [] }
        let request = RequestSignature.Request(
            method: method.rawValue, host: address.host, target: address.prefix + path, body: body)
        return RequestSignature(of: request, by: agent.name, with: key).headers
    }
}

/// The body of a request that is in memory.
private struct RequestBytes: EnvelopeSource {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        guard offset >= 0, offset < Int64(bytes.count) else { return 0 }
        let rest = bytes[Int(offset)...].prefix(buffer.count)
        buffer.copyBytes(from: rest)
        return rest.count
    }
}

extension String {
    /// The text as one value of a query, or one segment of a path (RFC 3986, section 2.3).
    package var asQueryValue: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return text
    }
}
