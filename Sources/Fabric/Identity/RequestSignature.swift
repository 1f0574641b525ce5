/// Who makes a request to a hub, proven: the `X-AInternet-*` headers.
///
/// The peers' pages name the four headers and say nothing of what is signed (`ipoll.md`, section 7), so it is laid down
/// here: the signature covers method, host, path with query, the SHA-256 of the body, time and nonce. A request can so
/// be made only once, only there, and only as it is.
package struct RequestSignature: Sendable, Equatable {
    /// The request that is signed.
    package struct Request: Sendable, Equatable {
        /// The method, in capitals.
        package var method: String
        /// The `Host` header as it is sent, in lower case.
        package var host: String
        /// Path and query as they are sent.
        package var target: String
        /// The SHA-256 of the body; that of no bytes where there is none.
        package var body: Digest

        /// A request from its parts.
        package init(method: String, host: String, target: String, body: Digest) {
            self.method = method
            self.host = host.lowercased()
            self.target = target
            self.body = body
        }
    }

    /// The names of the four headers.
    package enum Header {
        package static let domain = "X-AInternet-Domain"
        package static let timestamp = "X-AInternet-Timestamp"
        package static let nonce = "X-AInternet-Nonce"
        package static let signature = "X-AInternet-Signature"
    }

    /// The agent, as it is registered: lower case, without `.aint`.
    package let agent: String
    /// When, as the 20 ASCII bytes that were signed.
    package let timestamp: String
    /// When, as an instant.
    package let date: Timestamp
    /// 16 to 64 of letters, digits, `-` and `_`, never used twice by one agent.
    package let nonce: String
    /// The signature by the agent's key.
    package let signature: Signature

    /// Signs `request` in the name of `agent`.
    package init(of request: Request, by agent: String, with key: SigningKey, at date: Timestamp = .now()) {
        self.agent = agent
        self.date = date
        timestamp = date.iso8601
        nonce = Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) })
        signature = key.sign(Self.text(request, agent: agent, timestamp: timestamp, nonce: nonce))
    }

    /// Reads the values of the four headers; nil for anything malformed.
    package init?(domain: String, timestamp: String, nonce: String, signature: String) {
        guard let date = Timestamp(iso8601: timestamp), let signature = Signature(hex: signature.lowercased()),
            Identity.isName(domain), (16...64).contains(nonce.utf8.count),
            nonce.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            })
        else { return nil }
        agent = domain
        self.date = date
        self.timestamp = timestamp
        self.nonce = nonce
        self.signature = signature
    }

    /// The headers to send, in order.
    package var headers: [(name: String, value: String)] {
        [
            (Header.domain, agent), (Header.timestamp, timestamp), (Header.nonce, nonce),
            (Header.signature, signature.hex),
        ]
    }

    /// Whether `key` made the signature over `request`.
    package func verifies(_ request: Request, with key: PublicKey) -> Bool {
        key.verifies(signature, over: Self.text(request, agent: agent, timestamp: timestamp, nonce: nonce))
    }

    /// Eight lines, none of which can hold a line break, without one at the end.
    private static func text(_ request: Request, agent: String, timestamp: String, nonce: String) -> [UInt8] {
        Array(
            [
                "TIBET-HUB-V1", request.method, request.host, request.target, request.body.hex, timestamp, nonce, agent,
            ].joined(separator: "\n").utf8)
    }
}
