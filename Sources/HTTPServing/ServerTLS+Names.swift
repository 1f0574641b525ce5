internal import Fabric
internal import NIOCore
internal import NIOSSL
internal import SystemPackage

extension ServerTLS {
    /// The names and addresses of the server in its certificate (subjectAltName), in the certificate's order. Wildcards
    /// name no single host and are left out.
    ///
    /// - Throws: `ServingFailure.misconfigured` for a file that cannot be read or is not PEM.
    package func certificateNames() throws(ServingFailure) -> [String] {
        do {
            guard let certificate = try NIOSSLCertificate.fromPEMFile(certificateChain.string).first else { return [] }
            return certificate._subjectAlternativeNames().compactMap { name in
                let bytes = Array(name.contents)
                switch name.nameType {
                case .dnsName:
                    let text = String(decoding: bytes, as: UTF8.self)
                    return text.contains("*") || text.isEmpty ? nil : text
                case .ipAddress: return try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress
                default: return nil
                }
            }
        } catch {
            throw failure(error)
        }
    }
}
