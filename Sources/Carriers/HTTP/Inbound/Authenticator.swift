internal import Fabric
internal import HTTPTypes

/// Checks signatures as early as they can be: what the header says at once, the signature itself as soon as the body's
/// digest is known, which is before the body where the sender announces it (`http-inbox.md`, section 6, row 5).
struct Authenticator: Sendable {
    let policy: AuthorizationPolicy
    /// The key that a name service has for a claimed name.
    var keyOfClaim: (@Sendable (String) async -> PublicKey?)?

    /// What is known of a request's sender.
    enum Claim: Sendable {
        case none
        case invalid
        /// Well-formed, in the window and of a key that may deliver. The signature is not checked yet.
        case plausible(Authorization, did: String?)
        /// As above, and the signature is over this digest.
        case proven(Authorization, did: String?, Digest)

        /// What came in the header; nil when it cannot be a signature.
        var authorization: Authorization? {
            switch self {
            case .none, .invalid: nil
            case .plausible(let authorization, _), .proven(let authorization, _, _): authorization
            }
        }

        /// The key of which it is known that it signed.
        var provenKey: PublicKey? {
            if case .proven(let authorization, _, _) = self { authorization.key } else { nil }
        }

        fileprivate var did: String? {
            switch self {
            case .none, .invalid: nil
            case .plausible(_, let did), .proven(_, let did, _): did
            }
        }
    }

    /// Reads the header, checks the signature where `digest` is announced, and then the pin.
    ///
    /// - Throws: 401 when a signature is required and this cannot be one, or a pin is and this key is not the claim's.
    func claim(in headers: HTTPFields, announcing digest: Digest?) async throws(Refusal) -> Claim {
        var claim = try header(of: headers)
        if let digest { claim = try proven(claim, over: digest) }
        try await checkPin(of: claim)
        return claim
    }

    /// Reads the header.
    ///
    /// - Throws: 401 when a signature is required and this cannot be one.
    func header(of headers: HTTPFields) throws(Refusal) -> Claim {
        let claim = read(headers)
        if policy.requiresSignature, claim.authorization == nil { throw .unauthorized }
        return claim
    }

    /// Checks the signature against the digest of the whole body.
    ///
    /// - Throws: 401 when a signature is required and this is not one over these bytes.
    func proven(_ claim: Claim, over digest: Digest) throws(Refusal) -> Claim {
        switch claim {
        case .none: return .none
        case .proven(_, _, digest): return claim
        case .plausible(let authorization, let did), .proven(let authorization, let did, _):
            if authorization.verifies(digest) { return .proven(authorization, did: did, digest) }
        case .invalid: break
        }
        if policy.requiresSignature { throw .unauthorized }
        return .invalid
    }

    /// What is recorded of the sender of a body with this digest.
    ///
    /// - Throws: 401 when a signature is required and this is not one over these bytes.
    func verify(_ claim: Claim, over digest: Digest) throws(Refusal) -> HTTPArrival.Authentication {
        switch try proven(claim, over: digest) {
        case .none: .none
        case .proven(let authorization, let did, _): .valid(key: authorization.key, claim: did)
        case .plausible, .invalid: .invalid
        }
    }

    /// - Throws: 401 when a pin is required and the key is not the one that the name service has for the claim.
    func checkPin(of claim: Claim) async throws(Refusal) {
        guard policy.requiresPin else { return }
        guard let key = claim.authorization?.key, let did = claim.did, await keyOfClaim?(did) == key else {
            throw .unauthorized
        }
    }

    private func read(_ headers: HTTPFields) -> Claim {
        let values = headers[values: .authorization]
        guard let value = values.first else { return .none }
        guard values.count == 1, let authorization = Authorization(parsing: value),
            authorization.isWithin(policy.window, of: .now()),
            policy.trustedKeys.isEmpty || policy.trustedKeys.contains(authorization.key)
        else { return .invalid }
        let did = HTTPField.Name(FieldName.senderDID).flatMap { headers[$0] }
        return .plausible(authorization, did: did.map { String($0.prefix(256)) })
    }
}

extension HTTPArrival.Authentication {
    /// The bracketed note of the peers' answers, for people (`http-inbox.md`, section 2).
    var note: String {
        switch self {
        case .none: "no-auth"
        case .invalid: "invalid-auth"
        case .valid(let key, let claim):
            "signed-by=\(key.hex.prefix(16))... allowed=True " + (claim == nil ? "no-claim" : "claim not looked up")
        }
    }
}
