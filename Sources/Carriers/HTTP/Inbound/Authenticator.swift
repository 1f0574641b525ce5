internal import Fabric
internal import HTTPTypes

/// Checks signatures in two steps: what can be known before the body, and the signature itself when the body's digest
/// is known (`http-inbox.md`, section 6, row 5).
struct Authenticator: Sendable {
    let policy: AuthorizationPolicy
    /// The key that a name service has for a claimed name.
    var keyOfClaim: (@Sendable (String) async -> PublicKey?)?

    /// What a request's header says, before its body was seen.
    enum Claim: Sendable {
        case none
        case invalid
        /// Well-formed, in the window and of a key that may deliver. The signature is not checked yet.
        case plausible(Authorization, did: String?)

        /// The key that signed, if the signature is right.
        var key: PublicKey? {
            if case .plausible(let authorization, _) = self { authorization.key } else { nil }
        }
    }

    /// Reads the header.
    ///
    /// - Throws: 401 when a signature is required and this cannot be one, or a pin is and this key is not the claim's.
    func claim(in headers: HTTPFields) async throws(Refusal) -> Claim {
        let claim = read(headers)
        if policy.requiresSignature, claim.key == nil { throw .unauthorized }
        if policy.requiresPin {
            guard case .plausible(let authorization, let did?) = claim, await keyOfClaim?(did) == authorization.key
            else { throw .unauthorized }
        }
        return claim
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

    /// Checks the signature against the digest of the whole body.
    ///
    /// - Throws: 401 when a signature is required and this is none over these bytes.
    func verify(_ claim: Claim, over digest: Digest) throws(Refusal) -> HTTPArrival.Authentication {
        switch claim {
        case .none: return .none
        case .plausible(let authorization, let did) where authorization.verifies(digest):
            return .valid(key: authorization.key, claim: did)
        case .plausible, .invalid:
            if policy.requiresSignature { throw .unauthorized }
            return .invalid
        }
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
